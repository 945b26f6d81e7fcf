# Sourced by demo and test: makes .venv and installs the project with the extras in $1, once for each pyproject.toml.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "mer_di needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Set PYTHON=/path/to/python3.11" >&2
    exit 1
}
wanted=$({ cat pyproject.toml; echo "$1"; } | cksum)
if [ "$(cat ".venv/installed${1}" 2>/dev/null)" != "$wanted" ]; then
    echo "Installing into .venv (once; a minute or two) ..." >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$1"
    echo "$wanted" > ".venv/installed${1}"
fi
PATH="$PWD/.venv/bin:$PATH"
