#!/usr/bin/env bash
# usage: doctor
# Finds out why something does not work, and says what to do about it.
#
# Looks at the system, compiler, packages, disk, memory, permissions, ports, limits, clock, entropy, configuration and
# database. For each failure: the check, its target, the system's own reason, and the remedy. The exit code is 1 when
# something failed. Changes nothing.
set -uo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
at_most 0 "./dev doctor takes no arguments." "$@"
drop_root "$0"
set +e

failures=0 warnings=0
good() { printf '%sok%s       %-14s %s\n' "$green" "$plain" "$1" "$2"; }
# bad CHECK TARGET CAUSE REMEDY
bad() {
  printf '%sFAILED%s   %-14s %s\n             cause:  %s\n             remedy: %s\n' "$red" "$plain" "$1" "$2" "$3" "$4"
  failures=$((failures + 1))
}
doubt() {
  printf '%sdoubtful%s %-14s %s\n             cause:  %s\n             remedy: %s\n' "$yellow" "$plain" "$1" "$2" "$3" "$4"
  warnings=$((warnings + 1))
}
# Only the system's reason out of "program: target: reason".
reason() { sed -n '$s/^.*: //p' <<<"$1"; }

check_system() {
  local name
  name=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-}")
  case $name in
    'debian 12' | 'debian 13' | 'ubuntu 24.04') good system "$name, $(uname -m)" ;;
    *) doubt system "$name" "only Debian 12, Debian 13 and Ubuntu 24.04 are tested" "install the packages of scripts/packages.txt under their names here" ;;
  esac
}

check_packages() {
  local missing name why from
  if ! command -v dpkg-query >/dev/null; then
    doubt packages "dpkg-query" "this system has no dpkg, so its packages cannot be looked up" "compare with scripts/packages.txt"
    return
  fi
  missing=$(missing_packages "build test lint bench")
  if [ -z "$missing" ]; then
    good packages "all of scripts/packages.txt"
    return
  fi
  while IFS='|' read -r name why; do
    from=''
    if [ "$name" != "${name#backports:}" ] && [ "$(codename)" = bookworm ]; then from='-t bookworm-backports '; fi
    doubt packages "${name#backports:}" "not installed, or too old: $why" "./dev run, test, lint and bench install what they need; or: apt-get install $from${name#backports:}"
  done <<<"$missing"
}

check_compiler() {
  local scratch output
  if ! command -v clang++-19 >/dev/null; then
    bad compiler "clang++-19" "not in PATH (ENOENT)" "./dev run installs it, or: apt-get install clang-19"
    return
  fi
  scratch=$(mktemp -d) || { bad compiler "${TMPDIR:-/tmp}" "no temporary folder can be made" "free space there or set TMPDIR"; return; }
  printf '#include <expected>\nint main() { std::expected<int, int> x{0}; return *x; }\n' >"$scratch/a.cpp"
  if output=$(clang++-19 -std=c++23 "$scratch/a.cpp" -o "$scratch/a" 2>&1) && "$scratch/a"; then
    good compiler "$(clang++-19 --version | head -n 1)"
  else
    bad compiler "clang++-19 -std=c++23" "$(head -n 1 <<<"$output")" "apt-get install --reinstall clang-19 libstdc++-12-dev"
  fi
  rm -rf "$scratch"
}

check_disk() {
  local path target free inodes
  for path in build var "${TMPDIR:-/tmp}"; do
    target=$path
    while [ ! -e "$target" ]; do target=$(dirname -- "$target"); done
    free=$(df -Pk -- "$target" | awk 'NR == 2 { print int($4 / 1024) }')
    inodes=$(df -Pi -- "$target" | awk 'NR == 2 { print ($4 ~ /^[0-9]+$/) ? $4 : 999999 }')
    if [ "${free:-0}" -lt 200 ] || [ "${inodes:-0}" -lt 1000 ]; then
      bad disk "$path" "${free} MB and ${inodes} inodes free (ENOSPC is near)" "free space on that file system; ./dev clean removes the build"
    elif [ "$free" -lt 4000 ] && [ "$path" = build ]; then
      doubt disk "$path" "${free} MB free; a full build of two presets takes about 4000 MB" "free space, or ./dev clean before another preset"
    else
      good disk "$path: $free MB free"
    fi
  done
}

check_memory() {
  local free
  free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
  if [ "$free" -lt 1500 ]; then
    doubt memory "$free MB available" "one compiler takes up to 1200 MB; the kernel may end it (signal 9)" "close something or add swap"
  else
    good memory "$free MB available, $(build_jobs) compilers at once"
  fi
}

check_permissions() {
  local path output
  for path in . build var; do
    [ -e "$path" ] || continue
    if output=$(mktemp "$path/.doctor.XXXXXX" 2>&1); then
      rm -f "$output"
      good permissions "$path is writable"
    else
      bad permissions "$DEV_ROOT/$path, owned by $(stat -c %U "$path")" "$(reason "$output")" "chown -R $(id -un) '$DEV_ROOT/$path', or check that the file system is not read-only"
    fi
  done
  if [ -d var ] && [ -n "$(find var -not -user "$(id -u)" -print -quit 2>/dev/null)" ] && [ "$(id -u)" != 0 ]; then
    bad permissions "$(find var -not -user "$(id -u)" -print -quit)" "it belongs to another user, so the service cannot write it (EACCES)" "sudo chown -R $(id -un) '$DEV_ROOT/var'"
  fi
}

# Who listens on a port, from /proc alone.
listener_of() {
  local inode pid
  inode=$(awk -v port=":$(printf '%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  [ -n "$inode" ] || return 1
  for pid in /proc/[0-9]*; do
    if find "$pid/fd" -lname "socket:\[$inode\]" -print -quit 2>/dev/null | grep -q .; then
      printf 'process %s (%s)' "${pid#/proc/}" "$(tr '\0' ' ' <"$pid/cmdline" | cut -c1-80)"
      return 0
    fi
  done
  printf 'a process of another user'
}

check_ports() {
  local key address
  local -a addresses
  for key in http.listen operations.listen; do
    # A list: [127.0.0.1:8080, [::1]:8080]
    read -ra addresses < <(setting "$key" | sed 's/^\[//; s/\]$//; s/,/ /g') || true
    for address in "${addresses[@]}"; do check_port "$key" "$address"; done
  done
}

# check_port SETTING ADDRESS
check_port() {
  local address=$2 port=${2##*:} who
  case $port in '' | 0 | *[!0-9]*) return ;; esac
  if who=$(listener_of "$port"); then
    case $who in
      *slipway*serve*) good port "$address: this service listens there already" ;;
      *) bad port "$1, $address" "EADDRINUSE: $who listens there" "end it, or start on another: ./dev run --$1=127.0.0.1:0" ;;
    esac
  elif [ "$port" -lt "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 1024)" ] && [ "$(id -u)" != 0 ]; then
    bad port "$1, $address" "EACCES: ports below 1024 are root's" "choose a higher one, or: setcap cap_net_bind_service=+ep on the binary"
  else
    good port "$address is free"
  fi
}

check_limits() {
  local files
  files=$(ulimit -Hn)
  if [ "$files" != unlimited ] && [ "$files" -lt 4096 ]; then
    doubt limits "open files: $files" "each connection takes one; more end in EMFILE" "raise it: ulimit -n, LimitNOFILE= in systemd, or /etc/security/limits.conf"
  else
    good limits "open files: $files"
  fi
}

check_clock() {
  local now newest
  now=$(date +%s)
  newest=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CMakeLists.txt)
  if [ "$((newest - now))" -gt 300 ]; then
    bad clock "$(date -u +%FT%TZ)" "it is before the last commit ($(date -u -d "@$newest" +%FT%TZ)), so tokens and certificates will be refused" "set it: timedatectl set-ntp true, or date -s"
  elif command -v timedatectl >/dev/null && [ "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)" = no ]; then
    doubt clock "$(date -u +%FT%TZ)" "no time server sets it, so it drifts" "timedatectl set-ntp true"
  else
    good clock "$(date -u +%FT%TZ)"
  fi
}

check_entropy() {
  local output
  if output=$(timeout 3 head -c 16 /dev/random 2>&1 >/dev/null); then
    good entropy "/dev/random answers"
  else
    bad entropy "/dev/random" "${output:-it blocks (EAGAIN): the kernel has no random bytes yet}" "wait, or install rng-tools-debian; a virtual machine wants a virtio-rng device"
  fi
}

shown_settings=''
if [ -x "$(server_binary release)" ]; then shown_settings=$("$(server_binary release)" config show 2>/dev/null); fi

# A setting as the built service sees it, without its origin and without quotes. Before it is built, or while its
# configuration is wrong, as the template comes.
setting() {
  if [ -z "$shown_settings" ]; then
    case $1 in
      http.listen) say "127.0.0.1:8080" ;;
      operations.listen) say "127.0.0.1:8081" ;;
    esac
    return
  fi
  grep -oP "^\Q$1\E\s+\K\S.*?(?=\s{2,}\S)" <<<"$shown_settings" | tr -d '"'
}

check_service() {
  local binary output code pending wrong file
  binary=$(server_binary release)
  if [ ! -x "$binary" ]; then
    doubt service "$binary" "not built yet (ENOENT)" "./dev run builds it; configuration and database were not looked at"
    return
  fi
  if output=$(timeout 20 "$binary" config check 2>&1); then
    good configuration "config check"
  else
    bad configuration "config check, exit code $?" "$(head -n 6 <<<"$output" | tr '\n' ' ')" "correct the key in the place that is named"
    return
  fi
  file=$(setting database.url)
  case $file in
    sqlite::memory:*) ;;
    sqlite:*)
      # To ask for its migrations would make it.
      if [ ! -e "${file#sqlite:}" ]; then
        good database "${file#sqlite:} is not made yet; ./dev run makes it"
        return
      fi
      ;;
  esac
  output=$(timeout 20 "$binary" migrate status 2>&1)
  code=$?
  case $code in
    0)
      pending=$(grep -cE ' pending([ ,]|$)' <<<"$output")
      wrong=$(grep -m1 -E ' (out of order|changed|missing|unfinished)([ ,]|$)' <<<"$output" | tr -s ' ')
      if [ -n "$wrong" ]; then
        doubt database "migrate status" "not as this program has it: $wrong" "slipway migrate status shows all; docs/migrations.md says what each state means"
      elif [ "$pending" -gt 0 ]; then
        doubt database "migrate status" "$pending migrations are pending" "slipway migrate up (./dev run does it)"
      else
        good database "$(tail -n 1 <<<"$output")"
      fi
      ;;
    69) bad database "migrate status, exit code 69" "$(tail -n 1 <<<"$output")" "start the database, or correct database.url" ;;
    77 | 73) bad database "migrate status, exit code $code" "$(tail -n 1 <<<"$output")" "see the permissions and disk checks above" ;;
    124) bad database "migrate status" "no answer within 20 s (ETIMEDOUT)" "check the network and the firewall on the way to the database" ;;
    *) doubt database "migrate status, exit code $code" "$(tail -n 1 <<<"$output")" "slipway migrate up; docs/operations.md lists the exit codes" ;;
  esac
}

check_system
check_packages
check_compiler
check_disk
check_memory
check_permissions
check_limits
check_clock
check_entropy
check_ports
check_service

say ""
if [ "$failures" -gt 0 ]; then
  say "$failures failed, $warnings doubtful"
  exit 1
fi
say "nothing failed, $warnings doubtful"
