# Completions of stackref for bash. Every candidate comes from `stackref __complete`.

_stackref() {
    local candidate kind='' action=''
    COMPREPLY=()
    while IFS= read -r candidate; do
        case $candidate in
            :*) kind=$candidate ;;
            *) COMPREPLY+=("$candidate") ;;
        esac
    done < <(command stackref __complete bash "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null)
    case $kind in
        :files) action=-f ;;
        :folders) action=-d ;;
    esac
    if [[ -n $action ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r candidate; do
            COMPREPLY+=("$candidate")
        done < <(compgen "$action" -- "$2" 2>/dev/null)
    fi
}

complete -o bashdefault -o nosort -F _stackref stackref 2>/dev/null ||
    complete -o bashdefault -F _stackref stackref
