#!/usr/bin/env bash
# usage: lint [--all | --quick | --staged] [--within SECONDS]
# Checks format, layers, leftovers, secrets, spelling, scripts, and the changed files with cppcheck and clang-tidy.
#
# --all     both over every file, not only those that differ from the upstream branch; what was clean for clang-tidy and
#           has not changed since is passed over
# --quick   everything but those two, over every file
# --staged  what the commit hook runs: everything but those two, over what is about to be committed
# --within  no file is begun with clang-tidy after so many seconds; the next run goes on from there
#
# The exit code is 1 when something was found, and 75 when nothing was but clang-tidy did not come to every file.
set -uo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/files.sh
set +e
arguments=("$@") mode='' which=changed within=86400
while [ $# -gt 0 ]; do
  case $1 in
    --all | --quick) mode=$1 which=all ;;
    --staged) mode=$1 which=staged ;;
    --within) need_number "$@" && within=$2 && shift ;;
    *) die 64 "lint knows --all, --quick, --staged and --within, not '$1'." ;;
  esac
  shift
done
if [ "$mode" != --staged ]; then ensure_packages lint; fi
drop_root "$0" "${arguments[@]}"

wrong=0 unfinished=''
# report NAME STATUS: one line a check; its findings stand above it.
report() {
  if [ "$2" = 0 ]; then
    say "ok      $1"
  else
    say "${red}WRONG${plain}   $1"
    wrong=$((wrong + 1))
  fi
}
absent() { say "absent  $1: $2 is not installed"; }

case $mode in
  --staged) format=(--staged) ;;
  *) format=() ;;
esac
if command -v clang-format-19 >/dev/null; then
  bash scripts/dev/format.sh --check "${format[@]}"
  report "format" $?
else
  absent format clang-format-19
fi

if python=$(system_python) && [ -n "$python" ]; then
  "$python" scripts/dev/check_layers.py
  report "layers: who may include whom" $?
else
  absent layers python3
fi

# Everywhere but in the hook: one that was committed earlier is no less in the way.
leftovers=$(files_of "${which/changed/all}" '*.orig' '*.rej' '*.bak' '*.swp' '*~' | sed 's/$/: a leftover of a patch or an editor: git rm -f/')
[ -z "$leftovers" ] || say "$leftovers"
[ -z "$leftovers" ]
report "leftovers of patches and editors" $?

files_of "$which" '*' | bash scripts/dev/check_secrets.sh
report "secrets" $?

mapfile -t scripts < <(files_of "$which" '*.sh' dev '.ci/run' 'scripts/git-hooks/*')
if [ ${#scripts[@]} = 0 ]; then
  report "scripts: none changed" 0
elif command -v shellcheck >/dev/null; then
  shellcheck -x -P SCRIPTDIR "${scripts[@]}"
  report "scripts" $?
else
  absent scripts shellcheck
fi

if command -v codespell >/dev/null; then
  files_of "$which" '*.md' '*.hpp' '*.cpp' '*.sh' '*.py' '*.txt' '*.yaml' '*.sql' |
    xargs -r -d '\n' codespell --quiet-level=2 --ignore-words=scripts/dev/spelling.txt
  report "spelling" $?
else
  absent spelling codespell
fi

case $mode in
  '' | --all)
    mapfile -t sources < <(files_of "$which" '*.cpp' | grep -v '^bench/peers/')
    # GoogleTest's fixtures are beyond cppcheck; the tests run under sanitizers.
    mapfile -t served < <(printf '%s\n' "${sources[@]}" | grep -vE '(^|/)(tests|bench)/|^$')
    if ! command -v cppcheck >/dev/null; then
      absent cppcheck cppcheck
    elif [ ${#served[@]} -gt 0 ]; then
      # Seconds for every file. The macros describe members, which it need not know.
      printf '%s\n' "${served[@]}" |
        cppcheck --quiet --error-exitcode=1 -j "$(cores)" --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr \
          --suppressions-list=scripts/dev/cppcheck.txt '-DBOOST_DESCRIBE_STRUCT(...)=' '-DBOOST_DESCRIBE_ENUM(...)=' --file-list=- >/dev/null
      report "cppcheck, ${#served[@]} files" $?
    fi
    if ! command -v clang-tidy-19 >/dev/null; then
      absent clang-tidy clang-tidy-19
    else
      if [ ${#sources[@]} -gt 0 ]; then
        need_build
        configure_preset debug
        "$(system_python)" scripts/dev/tidy.py --within "$within" "${sources[@]}"
        found=$?
        if [ $found = 75 ]; then
          say "${yellow}PART${plain}    clang-tidy, ${#sources[@]} files"
          unfinished=yes
        else
          report "clang-tidy, ${#sources[@]} files" $found
        fi
      else
        report "clang-tidy: no source changed" 0
      fi
    fi
    ;;
esac

if [ "$wrong" -gt 0 ]; then die 1 "$wrong of the checks found something." "It stands above."; fi
if [ -n "$unfinished" ]; then
  die 75 "clang-tidy has not come to every file." "Run it again for the rest, or give it more with --within."
fi
