/* Reads the blocks of the page. Large ones are unpacked when they are needed, and the last ones are kept. */

const KEPT_BLOCKS = 200;
const unpacked = new Map();

function plainBlock(name) {
  return JSON.parse(document.getElementById(name).textContent);
}

/** The content of a packed block, which the browser may not have loaded yet. */
function block(name) {
  if (!unpacked.has(name)) {
    if (unpacked.size >= KEPT_BLOCKS) unpacked.delete(unpacked.keys().next().value);
    unpacked.set(name, base64Of(name).then((base64) => unpack(base64, name)));
  }
  return unpacked.get(name);
}

async function base64Of(name) {
  for (;;) {
    const loading = document.readyState === "loading";
    const element = document.getElementById(name);
    // While the page is loading, an element is complete if another one follows it.
    if (element && (!loading || element.nextSibling)) return element.textContent;
    if (!loading) throw new Error(`The page is damaged or cut off: its block ${name} is missing.`);
    await new Promise((go) => setTimeout(go, 30));
  }
}

async function unpack(base64, name) {
  try {
    const characters = atob(base64);
    const bytes = new Uint8Array(characters.length);
    for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return await new Response(stream).json();
  } catch {
    throw new Error(`The page is damaged or cut off: its block ${name} cannot be unpacked.`);
  }
}
