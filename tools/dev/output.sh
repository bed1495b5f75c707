# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# What people see of a command.

# What people should see goes to file descriptor 3, because a part's own output goes to its log.
# Programs that may outlive a part do not get it (3>&-): they would keep a reader of it waiting.
exec 3>&1
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' red='' green='' plain=''
fi

# The end of a log, without ninja's lines about what went well.
show_end()
{
    grep -vE '^\[[0-9]+/[0-9]+\] (Compiling|Linking|Generating)' "$1" | tail -n 40 |
        sed 's/^/  /' >&3
}

say() { printf '%s==> [%4ds] %s%s\n' "$bold" "$SECONDS" "$*" "$plain" >&3; }

fail()
{
    printf '%s%s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}
