# Installs what is missing of scripts/packages.txt. Sourced.
# shellcheck shell=bash

# Prints "package|reason" for every package that `purpose` needs and the machine lacks. One dpkg-query for all.
missing_packages() {
  local purposes=$1 installed name when there why pattern
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^.i  *//p') || true
  while IFS='|' read -r name when there why; do
    name=${name//[[:space:]]/} when=${when//[[:space:]]/} there=${there//[[:space:]]/}
    case $name in '' | '#'*) continue ;; esac
    case " $purposes " in *" $when "*) ;; *) continue ;; esac
    case $there in
      cmd:*) if command -v "${there#cmd:}" >/dev/null; then continue; fi ;;
      file:*)
        pattern=${there#file:}
        if compgen -G "$pattern" >/dev/null; then continue; fi
        ;;
    esac
    case $name in
      backports:*) if backport_is_there "${name#backports:}" "$installed"; then continue; fi ;;
      *) if grep -qxF "$name" <<<"$installed"; then continue; fi ;;
    esac
    printf '%s|%s\n' "$name" "${why# }"
  done <scripts/packages.txt | sort -u -t'|' -k1,1
}

# On a system without backports of ours the stock version is new enough.
backport_is_there() {
  grep -qxF "$1" <<<"$2" || return 1
  [ "$(codename)" = bookworm ] || return 0
  case $(dpkg-query -W -f '${Version}' "$1") in *bpo12* | *bpo13*) return 0 ;; *) return 1 ;; esac
}

codename() { (. /etc/os-release 2>/dev/null && printf '%s' "${VERSION_CODENAME:-}"); }

# Something cheap that changes when packages come or go, and when the list does.
packages_fingerprint() { stat -c '%Y %s' /var/lib/dpkg/status scripts/packages.txt 2>/dev/null | tr '\n' ' '; }

# ensure_packages PURPOSE...: nothing to do costs one stat.
ensure_packages() {
  local purposes=$* stamp fingerprint missing
  stamp=build/packages-${purposes// /-}.stamp
  fingerprint=$(packages_fingerprint)
  if [ -f "$stamp" ] && [ "$(<"$stamp")" = "$fingerprint" ]; then return 0; fi
  if [ -n "${DEV_NO_INSTALL:-}" ]; then return 0; fi
  if ! command -v dpkg-query >/dev/null; then
    warn "this is no Debian or Ubuntu: install the packages of scripts/packages.txt by your own means."
    return 0
  fi
  missing=$(missing_packages "$purposes")
  if [ -n "$missing" ]; then
    step "Installing $(wc -l <<<"$missing") missing packages"
    awk -F'|' '{ sub(/^backports:/, "", $1); printf "    %-24s %s\n", $1, $2 }' <<<"$missing"
    install_packages "$missing"
  fi
  # A folder that cannot be written is told by need_build, once root is dropped.
  if mkdir -p build 2>/dev/null; then { packages_fingerprint >"$stamp"; } 2>/dev/null || true; fi
}

install_packages() {
  local -a stock=() newer=()
  local name
  while IFS='|' read -r name _; do
    case $name in
      backports:*) newer+=("${name#backports:}") ;;
      *) stock+=("$name") ;;
    esac
  done <<<"$1"
  local begun
  begun=$(now_ms)
  as_root true
  if [ "$(codename)" = bookworm ]; then
    ensure_backports
  else
    stock+=("${newer[@]}")
    newer=()
  fi
  apt_get update -q -q || warn "apt-get update failed; going on with the lists that are there."
  # Packages that exist in backports alone are found by name; -t would pull everything else from there too.
  if [ ${#stock[@]} -gt 0 ]; then apt_install "${stock[@]}"; fi
  if [ ${#newer[@]} -gt 0 ]; then apt_install -t bookworm-backports "${newer[@]}"; fi
  say "    done in $(seconds_since "$begun")"
}

# apt-get that never asks, waits for another apt-get, and shows a bar only to people.
apt_get() {
  local bar=0
  if [ -n "$at_terminal" ]; then bar=1; fi
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8 apt-get \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold \
    -o Dpkg::Progress-Fancy=$bar -o Dpkg::Use-Pty=0 "$@" </dev/null
}

apt_install() {
  local log status
  log=$(mktemp)
  if [ -n "$at_terminal" ]; then
    apt_get install -y -q --no-install-recommends "$@" && status=0 || status=$?
  else
    set +e
    apt_get install -y -q --no-install-recommends "$@" 2>&1 | tee "$log" | apt_log
    status=${PIPESTATUS[0]}
    set -e
  fi
  if [ "$status" != 0 ]; then apt_failed "$log" "$@"; fi
  rm -f "$log"
}

# What apt-get says, shortened to a line now and then.
apt_log() {
  local line total=0 fetched=0 done=0
  while IFS= read -r line; do
    case $line in
      *' newly installed, '*)
        total=${line%% newly installed*} total=${total##* }
        say "    $total packages with what they need"
        ;;
      'Need to get '* | E:* | W:*) say "    $line" ;;
      Get:*) if [ $((++fetched % 100)) = 0 ]; then say "    fetched $fetched of $total"; fi ;;
      'Setting up '*) if [ $((++done % 100)) = 0 ] || [ "$done" = "$total" ]; then say "    set up $done of $total"; fi ;;
    esac
  done
}

apt_failed() {
  local log=$1
  shift
  if grep -q 'Unable to locate package' "$log"; then
    die 69 "$(grep -m1 'Unable to locate package' "$log")" \
      "Supported are Debian 12 and 13 and Ubuntu 24.04; ./dev doctor tells more."
  fi
  if [ -s "$log" ]; then grep -vE '^(Get:|Setting up |Unpacking |Selecting |Preparing |\(Reading )' "$log" | tail -n 15 | sed 's/^/    /' >&2; fi
  die 69 "apt-get could not install: $*" "Its reason stands above; ./dev doctor checks disk, network and sources."
}

# Derives a source entry for bookworm-backports from an entry that the machine already uses: same mirror, same key.
ensure_backports() {
  local target=/etc/apt/sources.list.d/slipway-backports.sources
  if grep -rhsqE '^[^#]*bookworm-backports' /etc/apt/sources.list /etc/apt/sources.list.d --include='*.list' \
    --include='*.sources' --include='sources.list'; then return 0; fi
  local entry
  entry=$(backports_entry)
  if [ -z "$entry" ]; then
    die 78 "no apt source for Debian's suite bookworm was found in /etc/apt, so none for its backports can be derived." \
      "Add a bookworm-backports source yourself, then ./dev again."
  fi
  step "Adding the source bookworm-backports, for packages that Debian 12 itself does not have"
  say "    $target"
  printf '%s\n' "$entry" | as_root tee "$target" >/dev/null || die 73 "cannot write $target" "Check that the disk is writable."
}

# The entry for backports that follows from the first stanza for bookworm's main in this deb822 file, or nothing.
deb822_entry() {
  awk '
    function give() {
      if (!found && types ~ /(^| )deb( |$)/ && suites ~ /(^| )bookworm( |$)/ && components ~ /(^| )main( |$)/ && enabled != "no") {
        printf "Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\n", uris
        if (key != "") printf "Signed-By:%s\n", key
        found = 1
      }
      types = suites = components = uris = key = enabled = ""; in_key = 0
    }
    /^#/ { next }
    /^[ \t]*$/ { give(); next }
    /^[ \t]/ { if (in_key) key = key "\n" $0; next }
    {
      name = tolower($0); sub(/:.*/, "", name); value = $0; sub(/^[^:]*:[ \t]*/, "", value); in_key = 0
      if (name == "types") types = value; else if (name == "suites") suites = value
      else if (name == "components") components = value; else if (name == "uris") uris = value
      else if (name == "enabled") enabled = value
      else if (name == "signed-by") { key = (value == "" ? "" : " " value); in_key = 1 }
    }
    END { give() }' "$1"
}

# The text of that entry, from whichever form of source the machine uses, or nothing.
backports_entry() {
  local file entry=''
  for file in /etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ]; then entry=$(deb822_entry "$file"); fi
    if [ -n "$entry" ]; then
      printf '%s' "$entry"
      return
    fi
  done
  # The one-line form: deb [options] mirror bookworm main ...
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } | awk '
    $1 == "deb" && !found {
      options = ""; rest = $0; sub(/^deb[ \t]+/, "", rest)
      if (rest ~ /^\[/) { options = rest; sub(/\].*/, "", options); sub(/^\[/, "", options); sub(/^\[[^]]*\][ \t]*/, "", rest) }
      split(rest, part, /[ \t]+/)
      if (part[2] != "bookworm" || rest !~ /[ \t]main([ \t]|$)/) next
      printf "Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\n", part[1]
      if (match(options, /signed-by=[^ \t]+/)) printf "Signed-By: %s\n", substr(options, RSTART + 10, RLENGTH - 10)
      found = 1
    }'
}
