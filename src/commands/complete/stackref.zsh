#compdef stackref
# Completions of stackref for zsh. Every candidate comes from `stackref __complete`.

_stackref() {
    local line kind
    local -a values
    for line in "${(@f)$(command stackref __complete zsh $((CURRENT - 1)) -- "${words[@]}" 2>/dev/null)}"; do
        case $line in
            :*) kind=$line ;;
            ?*) values+=("$line") ;;
        esac
    done
    (( $#values )) && _describe -V stackref values
    [[ -n $kind && $PREFIX == --*=* ]] && compset -P '*='
    case $kind in
        :files) _files ;;
        :folders) _files -/ ;;
    esac
}

if [[ ${funcstack[1]} == _stackref ]]; then
    _stackref "$@"
elif (( $+functions[compdef] )); then
    compdef _stackref stackref
fi
