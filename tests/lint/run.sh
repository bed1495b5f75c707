#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
# Rules that the compiler does not check; `./dev lint` runs them. Prints every breach, and on the
# last line "<rules kept> <rules broken> <rules skipped>".
set -euo pipefail
cd "$(dirname "$0")/../.."

formatter=clang-format-19
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The files that git tracks or would add, and that exist.
git ls-files --cached --others --exclude-standard |
    while IFS= read -r file; do [[ -f $file ]] && echo "$file"; done |
    sort -u >"$work/files"

files() { grep -E "$1" "$work/files" || true; }
sources() { files "^($1)/.*\.([ch]pp|h)$"; }

# code PATTERN: reads file names and prints "file:line: text" where code matches the Perl pattern.
# Comments do not count.
code()
{
    local file
    while IFS= read -r file; do
        sed -E -e 's:/\*([^*]|\*[^/])*\*/::g' -e 's:(^|[^"])//.*$:\1:' "$file" |
            grep -nP -e "$1" | sed "s|^|$file:|" || true
    done
}

# --- one function for each rule: it prints every breach ---

rule_sources_are_formatted()
{
    sources 'include|src|tools|examples|bench|tests|fuzz' |
        xargs --no-run-if-empty "$formatter" --dry-run 2>&1 |
        sed -nE 's/^([^:]+):[0-9]+:.*(warning|error):.*/\1/p' | sort | uniq -c |
        sed -E 's/^ *([0-9]+) (.*)/\2: \1 places; .\/dev format changes them/'
}

# A script that another one sources is checked together with it, because it uses its names.
rule_shell_scripts_pass_shellcheck()
{
    local file
    while IFS= read -r file; do
        if head -n 1 "$file" | grep -q '^#!'; then
            shellcheck --external-sources --check-sourced --format=gcc "$file" || true
        else
            files '\.sh$|^dev$' | xargs grep -qxF "source $file" ||
                echo "$file: has no #! line, and no script sources it"
        fi
    done < <(files '\.sh$|^dev$|^\.ci/run$')
}

rule_python_scripts_pass_their_tests()
{
    python3 -B -m unittest discover --start-directory tests/support --pattern '*_test.py' \
        >"$work/unittest" 2>&1 || cat "$work/unittest"
}

rule_errno_stays_in_the_system_folders()
{
    sources 'include|src|tools' |
        grep -vE '^(src/io/(os|backend)/|src/(capi|libzmq)/|include/(libzmq/|serverlink/serverlink\.h$))' |
        code '\b(errno|GetLastError|WSAGetLastError)\b|<(cerrno|errno\.h)>'
}

rule_public_headers_include_no_system_header()
{
    # asio.hpp is for programs that have Asio.
    sources 'include/serverlink' | grep -v '/asio\.hpp$' |
        code '^\s*#\s*include\s*<(?!(serverlink|tl)/|[a-z_]+>|std(int|def|bool)\.h>)'
}

rule_a_backend_is_named_only_in_its_folder()
{
    local name
    for name in iocp io_uring epoll kqueue sim; do
        sources 'include|src' |
            grep -vE "^(src/io/backend/(choose\.cpp|$name/)|include/serverlink/simulation\.hpp)" |
            code "(?i)(\b|_)$name(\b|_)"
    done
}

rule_one_file_knows_the_build_configuration()
{
    sources 'include|src|tools|tests' | grep -v '^src/io/backend/choose\.cpp$' |
        code 'build_config\.hpp|SLK_HAVE_'
}

rule_time_and_chance_are_parameters()
{
    sources 'include|src' | grep -v '^src/io/os/' |
        code '\b(system_clock|steady_clock|high_resolution_clock|random_device|s?rand)\b'
}

# folder: the folders that its files may include from, the lowest first.
rule_floors_include_only_floors_below()
{
    local floor folder allowed
    for floor in 'base:base' 'io:base|io' 'link:base|io|link' 'zmtp:base|zmtp' \
        'lane:base|lane' 'pattern:base|zmtp|lane|pattern' \
        'messaging:base|io|link|zmtp|lane|pattern|messaging' \
        'rpc:base|io|link|zmtp|lane|pattern|messaging|rpc' \
        'coroutine:base|io|link|zmtp|lane|pattern|messaging|rpc|coroutine' \
        'pubsub:base|io|link|zmtp|lane|pattern|messaging|pubsub' 'http:http' \
        'capi:base|io/os|capi' 'libzmq:base|io/os|libzmq'; do
        folder=${floor%%:*} allowed=${floor#*:}
        sources "src/$folder" | code "^\s*#\s*include\s*\"(?!($allowed)/|build_config\.hpp)"
    done
}

# What tools, bench and tests share includes none of them, and it alone includes the large headers.
rule_the_shared_tools_stand_alone()
{
    sources 'tools/support' | code '^\s*#\s*include\s*"(?!tools/support/)'
    sources 'tools|examples|bench|tests' | grep -vE '^tools/support/(command_line|json)\.cpp$' |
        code '^\s*#\s*include\s*<(CLI|nlohmann)/'
}

# Running out of memory is an error value. The compiler does not see what an assignment allocates;
# tests/memory does.
rule_allocations_fail_as_values()
{
    local list=tests/lint/allocations.txt
    sed -E '/^(#|$)/d' "$list" >"$work/allowed"
    sources 'src' |
        code '\bnew\s+[\w:]|\bstd::(make_(unique|shared)|to_string|format|deque|list|any|j?thread\()|\bthread_local\b|\bcatch\b|(\.|->)(push_back|emplace_back|emplace|try_emplace|insert|resize|reserve|assign|append|replace)\((?!\))' |
        grep -vE 'try_allocate\(|operator new' >"$work/found" || true
    awk -F ' *\\| ?' -v list="$list" '
        NR == FNR { file[NR] = $1; text[NR] = $2; reason[NR] = $3; count = NR; next }
        {
            ok = 0
            for (i = 1; i <= count; ++i)
                if (index($0, file[i]) == 1 && (text[i] == "" || index($0, text[i]) > 0)) { used[i] = ok = 1; break }
            if (!ok) print
        }
        END {
            for (i = 1; i <= count; ++i) {
                if (reason[i] == "") print list ": no reason: " file[i]
                if (!used[i]) print list ": not found: " file[i] ": " text[i]
            }
        }' "$work/allowed" "$work/found"
}

rule_every_source_is_built()
{
    local file folder
    while IFS= read -r file; do
        # The file may be listed in the meson.build of a folder above it.
        folder=${file%/*}
        while true; do
            if [[ -f $folder/meson.build ]] &&
                grep -qF "'${file#"$folder"/}'" "$folder/meson.build"; then
                continue 2
            fi
            [[ $folder == */* ]] || break
            folder=${folder%/*}
        done
        echo "$file: in no meson.build"
    done < <(files '^(src|tools|examples|bench|tests|fuzz)/.*\.cpp$' | grep -vE '^tests/(consumers|packages)/')
}

rule_every_public_header_is_installed()
{
    local file
    while IFS= read -r file; do
        grep -qF "'${file##*/}'" include/serverlink/meson.build ||
            echo "$file: not in include/serverlink/meson.build"
    done < <(sources 'include/serverlink')
    while IFS= read -r file; do
        grep -qF "'${file##*/}'" include/libzmq/meson.build ||
            echo "$file: not in include/libzmq/meson.build"
    done < <(sources 'include/libzmq')
}

rule_files_name_their_licence()
{
    local file
    while IFS= read -r file; do
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MPL-2.0' || echo "$file"
    done < <(files '\.([ch]pp|h|c|py|sh)$|(^|/)meson\.build$|^dev$|^\.ci/run$')
}

# A public name without a comment, a dead link, a page that loads something from elsewhere; and, where
# there is a browser, a page that does not fit its screen.
rule_documents_make_a_site()
{
    local python=python3
    "$python" -c 'import markdown, pygments' 2>/dev/null || python=/usr/bin/python3
    mkdir -p build
    "$python" tools/docs/site.py build/docs || return 0
    ! command -v chromium >/dev/null || "$python" tests/docs/site_check.py build/docs || true
}

rule_documents_have_the_defaults()
{
    local python=python3
    "$python" -c 'import zmq' 2>/dev/null || python=/usr/bin/python3
    "$python" tests/docs/defaults_check.py
}

rule_packages_have_the_version()
{
    local version
    version=$(sed -nE "s/^ *version: '([0-9.]+)',$/\1/p" meson.build | head -n 1)
    python3 -c '
import ast, json, sys
found = json.load(open("packaging/vcpkg/vcpkg.json"))["version"]
if found != sys.argv[1]:
    print(f"packaging/vcpkg/vcpkg.json: {found} instead of {sys.argv[1]}")
ast.parse(open("packaging/conan/conanfile.py").read())' "$version"
}

# A block of code below the name of a program is that program, from its first #include on.
rule_programs_of_the_guide_are_in_it()
{
    python3 tools/docs/programs.py
}

rule_no_path_of_one_machine()
{
    files '.' | grep -v '^LICENSE$' | xargs --no-run-if-empty \
        grep -nIE '(^|[^[:alnum:]_./*$}>-])/(home|root|work|workspace|Users)/[[:alnum:]]' || true
}

rule_cited_paths_exist()
{
    local document path
    # shellcheck disable=SC2016
    while IFS= read -r document; do
        { grep -oE '`(src|include|tests|tools|examples|bench|docs|cross|spec)/[A-Za-z0-9_./-]+`' \
            "$document" || true; } | tr -d '`' | sort -u |
            while IFS= read -r path; do
                [[ -e $path ]] || echo "$document: $path does not exist"
            done
    done < <(files '\.md$')
}

# --- run the rules ---

kept=0 broken=0
for rule in $(declare -F | sed -n 's/^declare -f rule_//p'); do
    if "rule_$rule" >"$work/breaches" 2>&1 && [[ ! -s $work/breaches ]]; then
        ((++kept))
    else
        ((++broken))
        echo "failed: ${rule//_/ }"
        sed 's/^/  /' "$work/breaches" | head -n 40
    fi
done
echo "$kept $broken 0"
