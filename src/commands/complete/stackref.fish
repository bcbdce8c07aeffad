# Completions of stackref for fish. Every candidate comes from `stackref __complete`.

function __stackref_complete
    set -l token (commandline --current-token)
    set -l words (commandline --current-process --tokenize --cut-at-cursor) "$token"
    set -l last (math (count $words) - 1)
    set -l kind ''
    for line in (command stackref __complete fish $last -- $words 2>/dev/null)
        switch $line
            case ':*'
                set kind $line
            case '*'
                printf '%s\n' $line
        end
    end
    set -l prefix (string match --regex -- '^--[^=]+=' "$token")
    set -l path (string replace --regex -- '^--[^=]+=' '' "$token")
    switch $kind
        case :files
            for candidate in (__fish_complete_path "$path")
                printf '%s\n' "$prefix$candidate"
            end
        case :folders
            for candidate in (__fish_complete_directories "$path")
                printf '%s\n' "$prefix$candidate"
            end
    end
end

complete --command stackref --no-files --keep-order --arguments '(__stackref_complete)'
