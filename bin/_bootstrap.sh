# shellcheck shell=bash
# Sourced by every executable here: makes the project's own virtual environment match the lock file.
#
# Needs only Python >= 3.11 (Debian's bare python3 will do: neither python3-venv nor python3-pip), bash, flock,
# and pip's and apt's configured registries. No root. A warm start compares two stamps and costs milliseconds.
#
# Reads ENGINE_PYTHON (which interpreter to build with). Offers: ROOT, PYTHON, say, fail, ensure_environment.

set -euo pipefail

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
PYTHON=$VENV/bin/python
WORK=$ROOT/.sandbox/bootstrap
SYSTEM_CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

say() { printf '%s\n' "· $*" >&2; }
fail() { printf '%s\n' "✗ $1" "${@:2}" >&2; exit 1; }

# What the environment must have been made from. The tree's path is part of it (a moved tree has stale scripts), and
# so is the interpreter's real path (a distribution upgrade swaps /usr/bin/python3 underneath us).
stamp_for() {
  local lock
  lock=$(sha256sum < "$ROOT/$1")
  printf '%s|%s|%s\n' "${lock%% *}" "$(readlink -f -- "$PYTHON" 2>/dev/null || true)" "$ROOT"
}

stamped() { [[ -x $PYTHON && -f $VENV/.stamp-$1 && "$(< "$VENV/.stamp-$1")" == "$(stamp_for "$1")" ]]; }

# ensure_environment [run|dev]: returns once $PYTHON can import the engine (run) and the tools too (dev).
ensure_environment() {
  local lock=requirements.lock
  [[ ${1:-run} == dev ]] && lock=requirements-dev.lock
  stamped "$lock" && write_bytecode && return
  mkdir -p "$WORK" 2>/dev/null && [[ -w $ROOT ]] || fail "$ROOT is not writable by $(id -un)." \
    "  The virtual environment and the sandbox live inside the project: copy the project to a folder of yours."
  # One preparation at a time; whoever waited finds it done. The descriptor must not leak into what we start.
  {
    flock -n 9 || { say "another start is preparing the environment, waiting"; flock -w 900 9; } \
      || fail "The environment is still being prepared by somebody else after 15 minutes ($WORK/lock)."
    stamped "$lock" || build_environment "$lock" 9>&-
  } 9> "$WORK/lock"
  write_bytecode
}

# An engine that starts has calls to take back; compiling what it imports would double the time of that (ADR 0024). Its
# account may not be able to write here, and PYTHONDONTWRITEBYTECODE may be set for other reasons: so it is done now.
write_bytecode() {
  local stamp=$VENV/.stamp-bytecode
  [[ -f $stamp && -z $(find "$ROOT/engine" -name '*.py' -newer "$stamp" -print -quit) ]] && return
  [[ -w $VENV ]] || return 0 # who installed it has to do it
  touch "$stamp"
  env -u PYTHONDONTWRITEBYTECODE "$PYTHON" -m compileall -q "$ROOT/engine" > /dev/null || true
  env -u PYTHONDONTWRITEBYTECODE "$PYTHON" -P -c 'import apscheduler.schedulers.asyncio, jinja2, numpy, yaml
import engine.cli, engine.commands.run, engine.app.engine' || true
}

build_environment() {
  local lock=$1 started=$SECONDS base
  # A runnable interpreter of the same minor version as its library folder is kept; anything else is made anew,
  # and so is an environment whose installation was killed half-way.
  if [[ -e $VENV/.installing ]] || ! "$PYTHON" -c 'import sys, sysconfig, os; sys.exit(not os.path.isdir(sysconfig.get_path("purelib")))' 2>/dev/null; then
    base=$(choose_python)
    say "making .venv with $("$base" -V 2>&1) ($base)"
    # Never ensurepip: Debian's python3 lacks it, and skipping it saves seconds everywhere else.
    "$base" -m venv --clear --without-pip "$VENV" || fail "$base cannot make a virtual environment (the message is above)." \
      "  On Debian: apt-get install python3 (python3-minimal is not enough)."
  fi
  rm -f "$VENV/.stamp-$lock"
  install_packages "$lock"
  write_import_path
  rm -f "$VENV/.stamp-bytecode"
  stamp_for "$lock" > "$VENV/.stamp-$lock"
  # The tools' lock contains the engine's, version for version.
  [[ $lock == requirements.lock ]] || stamp_for requirements.lock > "$VENV/.stamp-requirements.lock"
  say "environment ready in $((SECONDS - started)) s"
}

choose_python() {
  local candidate
  for candidate in ${ENGINE_PYTHON:+"$ENGINE_PYTHON"} python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
      return
    fi
  done
  fail "Python 3.11 or newer is needed; none of python3, python3.13, python3.12, python3.11 is." \
    "  On Debian 12 or 13: apt-get install python3. Elsewhere: ENGINE_PYTHON=/path/to/python $0"
}

# The tree itself is importable from the environment, whatever the current directory.
write_import_path() {
  local purelib
  purelib=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  printf '%s\n' "$ROOT" > "$purelib/standardiste.pth"
}

install_packages() {
  local lock=$1 log=$WORK/pip.log count pip
  count=$(grep -c '==' "$ROOT/$lock")
  pip=$(find_pip)
  say "installing up to $count packages from $lock"
  touch "$VENV/.installing"
  # Every file is checked against the lock's hashes; wheels only, so no compiler is ever needed; bytecode is written
  # of what the engine imports (`write_bytecode`), and otherwise when a module is first imported.
  if run_pip "$pip" install --require-hashes --no-deps --only-binary :all: --no-compile --no-input \
    --disable-pip-version-check --no-warn-script-location --progress-bar off --retries 3 --timeout 30 \
    -r "$ROOT/$lock" 2>&1 | follow "$log" "$count"; then
    rm -f "$VENV/.installing"
    return
  fi
  rm -f "$VENV/.installing" # pip that failed by itself has changed nothing
  fail "pip could not install $lock; its last words:" "$(tail -n 8 "$log" | cut -c1-240 | sed 's/^/    /')" \
    "  If the registry cannot be reached: check the network, or PIP_INDEX_URL / PIP_CERT / HTTPS_PROXY for a mirror" \
    "  or proxy of yours, then start again: what was fetched is kept. The whole log: $log"
}

# follow LOG COUNT: keeps what pip says and tells how far it is, at most every two seconds.
follow() {
  local line seen=0 said=$SECONDS
  : > "$1"
  while IFS= read -r line; do
    printf '%s\n' "$line" >> "$1"
    [[ $line == Collecting* ]] && seen=$((seen + 1))
    if ((SECONDS >= said + 2)); then
      say "  $seen of $2"
      said=$SECONDS
    fi
  done
}

run_pip() {
  local pip=$1
  shift
  if [[ $pip != *.whl ]]; then
    "$pip" -m pip --python "$PYTHON" "$@" # an interpreter that has pip >= 22.3
  elif [[ -e $SYSTEM_CERTIFICATES || ! -e ${PIP_CERT:-$WORK/pip/ca.crt} ]]; then
    "$PYTHON" "$pip/pip" "$@" # a wheel is a zip that Python can run
  else
    # Debian's pip reads the system's certificates when it is imported and fails without them, whatever --cert says.
    PIP_CERT=${PIP_CERT:-$WORK/pip/ca.crt} "$PYTHON" -c '
import os, sys
sys.path.insert(0, sys.argv.pop(1))
from pip._vendor import certifi
certifi.where = lambda: os.environ["PIP_CERT"]
from pip._internal.cli.main import main
sys.exit(main())' "$pip" "$@"
  fi
}

# Prints a pip wheel, or an interpreter that owns a pip: ours, Python's bundled one, Debian's, or one fetched from apt.
find_pip() {
  local base wheel
  base=$("$PYTHON" -c 'import os, sys; print(os.path.realpath(sys.executable))')
  wheel=$("$PYTHON" - <<'PY'
import glob, importlib.util, os
folders = ["/usr/share/python-wheels"]
if (spec := importlib.util.find_spec("ensurepip")) and spec.origin:
    folders.insert(0, os.path.join(os.path.dirname(spec.origin), "_bundled"))
found = [wheel for folder in folders for wheel in sorted(glob.glob(os.path.join(folder, "pip-*.whl")))]
print(found[0] if found else "")
PY
)
  if [[ -n $wheel ]]; then
    printf '%s\n' "$wheel"
  elif "$base" -c 'import sys, pip; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3))' 2>/dev/null; then
    printf '%s\n' "$base"
  else
    fetch_pip
  fi
}

# Debian's pip wheel, fetched as an ordinary user into a folder of ours: nothing is installed on the machine.
fetch_pip() {
  local folder=$WORK/pip
  command -v apt-get > /dev/null || fail "This Python has no pip, and there is no apt-get to fetch one with." \
    "  Install pip for it, or name another interpreter: ENGINE_PYTHON=/path/to/python $0"
  say "this Python has no pip: fetching Debian's pip wheel (python3-pip-whl) with apt-get"
  rm -rf "$folder" && mkdir -p "$folder"
  apt_download "$folder" python3-pip-whl || fail "apt-get could not fetch python3-pip-whl; its last words:" \
    "$(tail -n 5 "$folder/apt.log" | sed 's/^/    /')" \
    "  Check the network and /etc/apt/sources.list*, or as root: apt-get install python3-venv; then start again."
  # Debian's pip trusts the system's certificates; a bare machine has none, so they come the same way.
  if [[ ! -e $SYSTEM_CERTIFICATES && -z ${PIP_CERT:-} ]] && apt_download "$folder" ca-certificates; then
    cat "$folder"/usr/share/ca-certificates/mozilla/*.crt > "$folder/ca.crt"
  fi
  ls "$folder"/usr/share/python-wheels/pip-*.whl
}

# apt_download FOLDER PACKAGE: unpacks PACKAGE under FOLDER; with a package list of our own if the machine has none.
apt_download() {
  local folder=$1 package=$2 state=$WORK/apt
  local -a own=(-o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache" -o "APT::Sandbox::User=")
  (
    cd "$folder"
    apt-get -q download "$package" || {
      mkdir -p "$state/lists/partial" "$state/cache/archives/partial" && touch "$state/status"
      apt-get -q "${own[@]}" update && apt-get -q "${own[@]}" download "$package"
    }
    dpkg-deb -x "$package"_*.deb .
  ) > "$folder/apt.log" 2>&1
}
