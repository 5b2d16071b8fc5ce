# What every command of ./dev shares: where things are, how it speaks, and how it becomes root when it must.
# Sourced, never run.
# shellcheck shell=bash

cd "$DEV_ROOT" || exit 71
readonly DEV_ROOT

# Colours and redrawn lines are for people at a terminal; a log gets plain lines.
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
  at_terminal=yes bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
  at_terminal='' bold='' red='' green='' yellow='' plain=''
fi
export at_terminal
: "$green"

say() { printf '%s\n' "$*"; }
step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
warn() { printf '%swarning:%s %s\n' "$yellow" "$plain" "$*" >&2; }

# die CODE CAUSE [WHAT TO DO]: the codes are those of docs/operations.md.
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$2" >&2
  if [ -n "${3:-}" ]; then printf '       %s\n' "$3" >&2; fi
  exit "$1"
}

# Prints the block of comments at the top of a command's script.
show_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$1" | sed 's/^usage: /Usage: .\/dev /'; }

show_commands() {
  say "Usage: ./dev COMMAND [arguments]        ./dev COMMAND --help explains one"
  say ""
  local name
  for name in run test build bench doctor format lint coverage nightly clean hook; do
    printf '  %-10s %s\n' "$name" "$(sed -n '3{s/^# \{0,1\}//p;q;}' "scripts/dev/$name.sh")"
  done
  say ""
  say "Begin with ./dev run and open the address that it prints."
}

# Megabytes that are free where a folder is, or would be made.
free_megabytes() {
  local target=$1
  while [ ! -e "$target" ]; do target=$(dirname -- "$target"); done
  df -Pk -- "$target" | awk 'NR == 2 { free = int($4 / 1024) } END { print free + 0 }'
}

# need_room MEGABYTES FOLDER WHAT [ALTERNATIVE]: stops before a full disk shows itself as a hundred other failures.
need_room() {
  local free
  free=$(free_megabytes "$2")
  if [ "$free" -lt "$1" ]; then
    die 73 "$2 has $free MB free, and $3 needs about $1 MB." \
      "Free space on that file system (./dev clean removes the build)${4:+, or $4}."
  fi
}

# need_build: build/ is there and can be written, or why not.
need_build() {
  if mkdir -p build 2>/dev/null && [ -w build ] && [ -z "$(find build -maxdepth 1 -type d ! -writable -print -quit)" ]; then return 0; fi
  die 77 "$DEV_ROOT/build cannot be written by $(id -un)." \
    "sudo chown -R $(id -un) '$DEV_ROOT'; if it is yours already, the file system is full or read-only: ./dev doctor tells."
}

# at_most COUNT USAGE ARGUMENTS...: refuses what would otherwise not be read.
at_most() {
  local count=$1 usage=$2
  shift 2
  if [ $# -gt "$count" ]; then die 64 "'${*:count+1:1}' is one argument too many." "$usage"; fi
}

# need_number FLAG [VALUE...]: the value of a flag is a whole number.
need_number() {
  case ${2:-} in
    '') die 64 "$1 wants a whole number after it." ;;
    *[!0-9]*) die 64 "$1 wants a whole number, not '$2'." ;;
  esac
}

now_ms() { printf '%s' "${EPOCHREALTIME/[.,]/}" | sed 's/...$//'; }
# seconds_since MILLISECONDS -> "1.2 s"
seconds_since() {
  local spent=$(($(now_ms) - $1))
  printf '%d.%d s' $((spent / 1000)) $((spent % 1000 / 100))
}

cores() { nproc 2>/dev/null || echo 1; }

# How many compilers may run at once: one a core, but no more than memory allows (heavy files take about 1.2 GB).
build_jobs() {
  local by_memory
  by_memory=$(awk '/^MemAvailable:/ { print int($2 / 1200000) }' /proc/meminfo 2>/dev/null || echo 1)
  local by_cores
  by_cores=$(cores)
  if [ "${by_memory:-1}" -lt 1 ]; then by_memory=1; fi
  echo $((by_memory < by_cores ? by_memory : by_cores))
}

# Runs a command as root: at once, or through sudo, without ever asking where nobody could answer.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    die 77 "this needs root, and there is no sudo: $*" "Run it as root, then ./dev again."
  elif sudo -n true 2>/dev/null; then
    sudo -n "$@"
  elif [ -t 0 ] && [ -t 2 ]; then
    sudo "$@"
  else
    die 77 "this needs root, and sudo would ask for a password: $*" "Run it as root, then ./dev again."
  fi
}

# Under sudo, everything that needs no root is done as the person who called, so that build/ and var/ stay theirs.
# drop_root SCRIPT ARGUMENTS...: runs the script again as that person; returns at once when there is nothing to drop.
drop_root() {
  if [ "$(id -u)" != 0 ] || [ -z "${SUDO_UID:-}" ] || [ "${SUDO_UID}" = 0 ]; then return 0; fi
  if [ "$(stat -c %u "$DEV_ROOT")" != "$SUDO_UID" ]; then return 0; fi
  local home
  home=$(getent passwd "$SUDO_UID" | cut -d: -f6)
  # What root has made here so far: the folder, and the notes on packages.
  if [ -d build ]; then find build -maxdepth 1 -uid 0 -exec chown -hR "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" {} +; fi
  exec setpriv --reuid "$SUDO_UID" --regid "${SUDO_GID:-$SUDO_UID}" --init-groups \
    env -u SUDO_UID -u SUDO_GID -u SUDO_USER HOME="${home:-/tmp}" bash "$@"
}

# The Python that sees Debian's packages, whatever else comes first in PATH.
system_python() {
  if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3 || true; fi
}
