"""Whether files have a model's weights, and an adapter its layers, before anything is loaded: both engines' checks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from har_llm.common.errors import EngineError
from har_llm.engines.base import Adapter
from har_llm.engines.weights import Outline, load_model
from har_llm.models import resolve
from tests.altered_files import Tensors, altered, without_a_layer
from tests.composing import experiment
from tests.engines.scripted_requests import request
from tests.lora_adapters import random_adapter
from tests.vision_language import vision_language_model

pytestmark = pytest.mark.slow  # importing PEFT

PREFIX, WEIGHTS = "base_model.model.", "adapter_model.safetensors"


def teacher() -> Path:
    path = resolve.resolve(experiment("model=tiny_teacher").model).path
    assert path is not None
    return path


@pytest.fixture(scope="module")
def outline() -> Outline:
    return Outline(teacher(), trust_remote_code=False)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_adapter(tmp_path_factory.mktemp("adapter") / "fits")


def of_an_image_model(tensors: Tensors) -> Tensors:
    return {name.replace("model.layers", "model.language_model.layers"): one for name, one in tensors.items()}


def without_prefix(tensors: Tensors) -> Tensors:
    return {name.removeprefix(PREFIX): one for name, one in tensors.items()}


def deeper(tensors: Tensors) -> Tensors:
    more = {name.replace("layers.1.", "layers.7."): one.clone() for name, one in tensors.items() if "layers.1." in name}
    return tensors | more


def shallower(tensors: Tensors) -> Tensors:
    return {name: one for name, one in tensors.items() if "layers.3." not in name}


def narrower(tensors: Tensors) -> Tensors:
    return {name: one[:, :-1].contiguous() if "v_proj.lora_A" in name else one for name, one in tensors.items()}


def test_an_adapter_of_the_model_fits(outline: Outline, adapter: Path) -> None:
    outline.check_adapter(adapter)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            of_an_image_model,
            rf"it has {PREFIX}model.language_model.layers.0.mlp.down_proj.lora_A.weight, but .* \(70 of its",
        ),
        (without_prefix, r"it has model.layers.0.mlp.down_proj.lora_A.weight, but .*tiny_teacher has no such layer"),
        (deeper, rf"it has {PREFIX}model.layers.7.mlp.down_proj.lora_A.weight, but .* \(14 of its weights fit none\)"),
        (shallower, rf"it lacks {PREFIX}model.layers.3.self_attn.q_proj.lora_A.weight, which adapter_config.json asks for"),
        (narrower, rf"its {PREFIX}model.layers.0.self_attn.v_proj.lora_A.weight is 4 x 159, where .* would be 4 x 160"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused_with_its_file_its_first_key_and_what_to_do(
    outline: Outline, adapter: Path, tmp_path: Path, change: Callable[[Tensors], Tensors], told: str
) -> None:
    folder = altered(adapter, tmp_path / "unfit", change)
    with pytest.raises(EngineError, match=rf"{folder / WEIGHTS} does not fit the model: {told}") as refused:
        outline.check_adapter(folder)
    made_for = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert f"It was made for {made_for}: choose that model, or an adapter that PEFT has saved" in str(refused.value)


@pytest.mark.parametrize("config", ["{", '{"peft_type": "LORA", "r": 4, "target_modules": ["none"]}'])
def test_an_adapter_that_cannot_be_read_is_one_sentence(
    outline: Outline, adapter: Path, tmp_path: Path, config: str
) -> None:
    shutil.copytree(adapter, tmp_path / "broken")
    (tmp_path / "broken" / "adapter_config.json").write_text(config)
    with pytest.raises(EngineError, match=r"The adapter in .*broken cannot be loaded: "):
        outline.check_adapter(tmp_path / "broken")


def test_an_adapter_that_does_not_fit_fails_its_own_requests_only(outline: Outline, adapter: Path, tmp_path: Path) -> None:
    unfit = Adapter("unfit", str(altered(adapter, tmp_path / "unfit", without_prefix)))
    plain, fits = request(1), request(2)._replace(adapter=Adapter("fits", str(adapter)))
    fitting, error = outline.fitting([plain, request(3)._replace(adapter=unfit), fits])
    assert fitting == [plain, fits] and "unfit/adapter_model.safetensors does not fit" in str(error)
    assert outline.fitting([plain, fits]) == ([plain, fits], None)


def all_prefixed(tensors: Tensors) -> Tensors:
    return {f"wrapped.{name}": one for name, one in tensors.items()}


def narrow_layer(tensors: Tensors) -> Tensors:
    return {name: one[:, :-1].contiguous() if "layers.1.mlp.up_proj" in name else one for name, one in tensors.items()}


def with_biases(tensors: Tensors) -> Tensors:
    """Of a model with attention_bias=true."""
    return tensors | {
        name.replace("weight", "bias"): one[:, 0].clone() for name, one in tensors.items() if "q_proj.weight" in name
    }


def in_8_bits(tensors: Tensors) -> Tensors:
    import torch

    return {name: one.to(torch.float8_e4m3fn) if "proj.weight" in name else one for name, one in tensors.items()}


def scaled(tensors: Tensors) -> Tensors:
    """As fp8 checkpoints are, here without their config.json."""
    import torch

    return in_8_bits(tensors) | {f"{name}_scale_inv": torch.ones(1, 1) for name in tensors if "proj.weight" in name}


def with_a_head(tensors: Tensors) -> Tensors:
    """Of its own, though config.json says that it is tied to the embeddings."""
    return tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"] * 2}


def by_outline(folder: Path) -> Any:
    return Outline(folder, trust_remote_code=False)


def by_loading(folder: Path) -> Any:
    return load_model(folder, trust_remote_code=False)


@pytest.mark.parametrize("read", [by_outline, by_loading])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            without_a_layer,
            "lacks 11 of the model's 58 weights, first model.layers.2.self_attn.q_proj.weight; they would be random "
            "numbers. Download the model again, or set model.id to a folder with all of its weights.",
        ),
        (
            all_prefixed,
            "lacks 58 of the model's 58 weights, first model.embed_tokens.weight (there is "
            "wrapped.model.embed_tokens.weight, which the model does not have); they would",
        ),
        (
            deeper,
            "has model.layers.7.input_layernorm.weight, which the model that {config} describes does not have (11 such "
            "weights); it would run without it. Use the config.json of these weights.",
        ),
        (
            with_biases,
            "has model.layers.0.self_attn.q_proj.bias, which the model that {config} describes does not have (5 s",
        ),
        (
            scaled,
            "has model.layers.0.mlp.down_proj.weight_scale_inv, which the model that {config} describes does not have (35",
        ),
        (
            with_a_head,
            "has lm_head.weight and model.embed_tokens.weight with different values, though they are one weight",
        ),
        (
            in_8_bits,
            "has model.layers.0.mlp.down_proj.weight in the number format F8_E4M3, but {config} names no quantisation by",
        ),
        (
            narrow_layer,
            ": model.layers.1.mlp.up_proj.weight is 480 x 159, but 480 x 160 by {config}. Use the config.json of",
        ),
    ],
)
def test_files_without_exactly_the_models_weights_are_refused_with_the_first_of_them(
    tmp_path: Path, read: Callable[[Path], Any], change: Callable[[Tensors], Tensors], told: str
) -> None:
    folder = altered(teacher(), tmp_path / "model", change)
    with pytest.raises(EngineError) as refused:
        read(folder)
    assert str(refused.value).startswith(str(folder / "model.safetensors"))
    assert told.format(config=folder / "config.json") in str(refused.value)


def of_config(folder: Path, **changes: Any) -> Path:
    """The folder, with other settings in its config.json."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder


@pytest.mark.parametrize("read", [by_outline, by_loading])
def test_weights_of_another_architecture_are_refused(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    """A model of Llama's has all weights of this one, but those that norm queries and keys."""
    folder = altered(teacher(), tmp_path / "model", dict)
    of_config(folder, model_type="llama", architectures=["LlamaForCausalLM"])
    with pytest.raises(EngineError, match=r"has model\.layers\.0\.self_attn\.k_norm\.weight, which .* \(10 such weights\)"):
        read(folder)


def with_what_is_not_used(tensors: Tensors) -> Tensors:
    import torch

    mask, zeros, ones = torch.ones(1, 1, 8, 8, dtype=torch.bool), torch.zeros(160), torch.ones(160)
    return tensors | {
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(16),
        "model.rotary_emb.cos_cached": torch.ones(16),
        "lm_head.weight": tensors["model.embed_tokens.weight"].clone(),  # tied to it
        "model.layers.0.attn.masked_bias": mask,
        "model.layers.0.self_attn.o_proj.bias": zeros,
        "mtp.layers.0.self_attn.q_proj.weight": ones,
        "model.mtp_layers.0.mlp.up_proj.weight": ones.clone(),
        "model.layers.5.mlp.up_proj.weight": ones.clone(),  # config.json says what it is
        "model.vision_tower.blocks.0.norm.weight": ones.clone(),
        "multi_modal_projector.linear.bias": ones.clone(),
    }


@pytest.mark.parametrize("read", [by_outline, by_loading])
def test_what_every_model_leaves_unused_is_let_through(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    """Tables of positions, masks, biases of zeros, layers that predict tokens beyond the next, parts that read images."""
    folder = altered(teacher(), tmp_path / "model", with_what_is_not_used)
    read(of_config(folder, num_nextn_predict_layers=1))
    with pytest.raises(EngineError, match=r"has model\.layers\.5\.mlp\.up_proj\.weight, which"):
        read(of_config(folder, num_nextn_predict_layers=0))


def test_a_part_that_reads_images_is_used_where_the_model_has_it(tmp_path: Path) -> None:
    def more(tensors: Tensors) -> Tensors:
        name, one = next((name, one) for name, one in tensors.items() if "visual" in name)
        return tensors | {name.replace(name.rpartition(".")[2], "gate"): one.clone()}

    folder = vision_language_model(tmp_path / "whole")
    by_outline(folder)
    with pytest.raises(EngineError, match=r"has model\.visual\..*\.gate, which the model that .* \(1 such"):
        by_outline(altered(folder, tmp_path / "more", more))


def packed(folder: Path, method: str, change: Callable[[Tensors], Tensors] = dict) -> Path:
    """The teacher, with packed weights in its linear layers as a quantised checkpoint has them."""
    made = altered(teacher(), folder, lambda tensors: change(_with_packed_names(tensors)))
    return of_config(made, quantization_config={"quant_method": method, "bits": 4})


def _with_packed_names(tensors: Tensors) -> Tensors:
    """And with scales and biases of zeros, which GPTQ's first tool gave each layer. One layer is left as it was."""
    import torch

    made = {}
    for name, one in tensors.items():
        if not name.endswith("proj.weight") or "layers.3" in name:
            made[name] = one
            continue
        layer = name.removesuffix("weight")
        made[f"{layer}qweight"] = torch.ones(one.shape[1] // 8, one.shape[0], dtype=torch.int32)
        made[f"{layer}scales"] = torch.ones(1, one.shape[0], dtype=torch.float16)
        made[f"{layer}bias"] = torch.zeros(one.shape[0])
    return made


def without(part: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {name: one for name, one in tensors.items() if f".layers.1.{part}" not in name}


def test_packed_weights_of_a_quantised_layer_are_not_taken_for_missing_ones(tmp_path: Path, adapter: Path) -> None:
    """And adapters are held against the layers that were quantised."""
    outline = Outline(packed(tmp_path / "whole", "gptq"), trust_remote_code=False)
    outline.check_adapter(adapter)
    with pytest.raises(EngineError, match=r"it has model\.layers\.0\.mlp\.down_proj\.lora_A\.weight, but .* no such layer"):
        outline.check_adapter(altered(adapter, tmp_path / "unfit", without_prefix))
    with pytest.raises(EngineError, match=r"lacks 11 of the model's 58 weights, first model\.layers\.2\.self_attn\.q_proj"):
        Outline(packed(tmp_path / "half", "gptq", without_a_layer), trust_remote_code=False)


@pytest.mark.parametrize("part", ["mlp.up_proj.scales", "mlp.up_proj.qweight"])
def test_a_quantised_layer_needs_all_parts_that_others_of_its_name_have(tmp_path: Path, part: str) -> None:
    told = (
        rf"model\.safetensors lacks model\.layers\.1\.{part}, a part of a quantised layer that model\.layers\.\d\.mlp\.up_pr"
    )
    with pytest.raises(EngineError, match=told):
        by_outline(packed(tmp_path / "model", "gptq", without(part)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (with_biases, "has model.layers.3.self_attn.q_proj.bias, which the model that .* does not have \\(1 such"),
        (deeper, r"has model.layers.7.input_layernorm.weight, which .* \(18 such"),
    ],
)
def test_what_a_quantised_model_does_not_use_is_refused_too(
    tmp_path: Path, change: Callable[[Tensors], Tensors], told: str
) -> None:
    with pytest.raises(EngineError, match=told):
        by_outline(packed(tmp_path / "model", "gptq", change))


def test_a_quantisation_that_nobody_unpacks_is_no_reason_to_pass_over_missing_weights(tmp_path: Path) -> None:
    """Transformers goes on without one that it does not know, and draws the weights of its layers at random."""
    with pytest.raises(EngineError, match=r"lacks 28 of the model's 58 weights, first model\.layers\.0\.self_attn\.q_proj"):
        by_loading(packed(tmp_path / "model", "of_another_library"))


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=f"The model in {tmp_path} cannot be loaded: "):
        Outline(tmp_path, trust_remote_code=False)
