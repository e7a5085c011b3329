"""The scripts that let a shell complete our command lines: each hands the line up to the cursor to -sc query."""

from __future__ import annotations

TO_TYPE = {
    "bash": 'eval "$(har-llm -sc install=bash)"',
    "zsh": 'eval "$(har-llm -sc install=zsh)"',
    "fish": "har-llm -sc install=fish | source",
}
"""What turns completion on, by shell."""
BASH = """\
_har_llm_reply() {
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}" cut=""
    local word="${line##* }"
    # bash replaces only what stands behind the last =
    [[ "$COMP_WORDBREAKS" == *=* && "$word" == *=* ]] && cut="${word%"${word##*=}"}"
    local found=($(COMP_LINE="$line" "$@" -sc query=bash 2>/dev/null))
    COMPREPLY=("${found[@]#"$cut"}")
    [[ "${COMPREPLY[*]}" == *[=./] ]] && compopt -o nospace 2>/dev/null
    return 0
}
_har_llm() { _har_llm_reply "${COMP_WORDS[0]}"; }
_har_llm_module() {
    if [[ "${COMP_WORDS[1]} ${COMP_WORDS[2]}" == "-m har_llm" ]]; then _har_llm_reply "${COMP_WORDS[0]}" -m har_llm; fi
}
complete -o default -o bashdefault -F _har_llm har-llm
complete -o default -o bashdefault -F _har_llm_module python python3
"""
ZSH = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
_har_llm_reply() {
    local -a found=("${(@f)$(COMP_LINE="${words[1,CURRENT-1]} $PREFIX" "$@" -sc query=zsh 2>/dev/null)}")
    # no blank after what goes on
    compadd -S '' -- ${(M)found:#*[=./]}
    compadd -- ${found:#*[=./]}
}
_har_llm() { _har_llm_reply $words[1] }
_har_llm_module() {
    if [[ "$words[2] $words[3]" == "-m har_llm" ]]; then _har_llm_reply $words[1] -m har_llm; else _python "$@"; fi
}
compdef _har_llm har-llm
compdef _har_llm_module python python3
"""
FISH = """\
function __har_llm
    COMP_LINE=(commandline --cut-at-cursor --current-process | string trim --left) $argv -sc query=fish 2>/dev/null
end
function __har_llm_module
    string match --quiet --regex '^\\s*\\S+ -m har_llm ' (commandline --cut-at-cursor --current-process)
end
complete --command har-llm --no-files --arguments '(__har_llm har-llm)'
for python in python python3
    complete --command $python --condition __har_llm_module --no-files --arguments "(__har_llm $python -m har_llm)"
end
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
