# Sourced by every script: goes to the repository and makes sure that its environment is there and up to date.
# Sets `python`. Costs a few milliseconds when nothing is to be done; all output goes to stderr.
# TICKERD_PYTHON names another interpreter than the first suitable one on the path. `venv_for`, set before, names
# what it is for: `dev` (default) is everything, `run` only what tickerd runs on, and `ib-async`, which lies apart
# because the two client libraries for Interactive Brokers cannot share one, what its tests need.

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
venv_for=${venv_for:-dev}
venv=.venv
case $venv_for in
    dev) venv_project=.[dev] ;;
    run) venv_project=. ;;
    ib-async) venv=.venv-ib-async venv_project=.[ib-async,test] ;;
esac
python=$PWD/$venv/bin/python

venv_fail() {
    echo "tickerd: $1" >&2
    exit 1
}

# The folder is part of it because an environment does not survive being moved.
venv_wanted() { # INTERPRETER
    local version sum
    version=$("$1" -V 2>/dev/null) || return 1
    sum=$(sha256sum <pyproject.toml)
    echo "$version ${sum%% *} $PWD"
}

venv_is_fresh() {
    local wanted
    [[ -x $python && -f $venv/stamp ]] || return 1
    wanted=$(venv_wanted "${TICKERD_PYTHON:-$python}") || return 1
    [[ $(<"$venv/stamp") == "$wanted dev" || $(<"$venv/stamp") == "$wanted $venv_for" ]]
}

venv_in_range() { # INTERPRETER
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

venv_interpreter() {
    local candidate
    if [[ -n ${TICKERD_PYTHON:-} ]]; then
        venv_in_range "$TICKERD_PYTHON" ||
            venv_fail "TICKERD_PYTHON=$TICKERD_PYTHON is no Python 3.11 to 3.13: name one that is, or unset it"
        echo "$TICKERD_PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        if venv_in_range "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    venv_fail "no Python 3.11 to 3.13 found: install one, or name it in TICKERD_PYTHON"
}

venv_build() {
    local interpreter
    interpreter=$(venv_interpreter)
    echo "tickerd: preparing $venv with $("$interpreter" -V); this takes a minute, once" >&2
    rm -f "$venv/stamp"
    if [[ ! -x $python || $("$python" -V 2>&1) != "$("$interpreter" -V)" ]]; then
        "$interpreter" -m venv --clear "$venv" >&2 ||
            venv_fail "could not make $venv: install the venv module (Debian: python3-venv)"
    fi
    "$python" -m pip install --quiet --disable-pip-version-check --editable "$venv_project" >&2 ||
        venv_fail "could not install the dependencies (see above): check the network, then run this again"
    echo "$(venv_wanted "$python") $venv_for" >"$venv/stamp.new"
    mv "$venv/stamp.new" "$venv/stamp"
}

if ! venv_is_fresh; then
    ( # Of two scripts that start at once, one builds; the other waits and finds it done.
        flock 9
        venv_is_fresh || venv_build
    ) 9>"$venv.lock"
fi
