#!/usr/bin/env bash
# Sets up what is missing, then runs a command. Works with bash 3.2, the version of macOS.
# Another shell, as in `sh run.sh`, stops here.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@"
set -euo pipefail

usage='Usage: ./run.sh [start] [--config FILE] [--app NAME | --all]
       ./run.sh COMMAND [ARGUMENTS]

Sets up what is missing (Node, dependencies, generated files), then runs the
command. Without a command it starts the first app of config.yaml: by default
a gateway with every service, at http://127.0.0.1:8000. Ctrl-C stops it.

Commands (COMMAND --help prints the options):
  start           start an app; this is the default
  dev             start an app, and restart it when a source or the config changes
  test            run the tests once
  check           check format, lint, types, boundaries, generated files, documents
  generate        write generated/ from the services
  new             write a service, with its migrations and tests; or a new project
  rename          rename a service
  remove          remove a service
  upgrade         replace the framework by a newer version
  migrate         create, apply and list migrations of the databases, or copy a database
  events          show and repair the consumers of events
  auth            create an administrator, rotate keys, end sessions, make development tokens
  backup          copy the databases while the server runs
  restore         restore the databases of a backup
  deploy          print what builds the image, and what runs the apps of a config in containers
  fuzz            send random requests and compare the responses with the contract
  fuzz:connections  open connections as misbehaving clients do
  bench           measure the server against other frameworks

Options:
  --config FILE   use this config file
  --app NAME      start this app of the config file
  --all           start every app of the config file, each in a separate process
  --pretty        readable log lines, even if the console is not a terminal; not with --all
  --node          print the path of the Node that runs the commands
  --help          print this text
  --version       print the version

Each command is also an npm script: npm run COMMAND -- ARGUMENTS. If the
installed Node is too old for npm and npx, set
PATH=$(dirname "$(./run.sh --node)"):$PATH'

test_usage='Usage: ./run.sh test [FILTER...] [OPTIONS]

Runs the tests once.

  FILTER          run only test files whose path contains FILTER
  --project NAME  run only this project: services, framework, postgres, faults, browser or groupings
  -t PATTERN      run only tests whose name matches PATTERN
  --watch         run the tests again when a file changes
  --coverage      measure the coverage

All other options go to vitest: npx vitest --help'

# The size of V8's young generation in MiB. Node's default depends on the memory of the machine, and takes 60 MiB more.
young=--max-semi-space-size=32

main() {
  local caller=$PWD
  # Like npm, for the commands that take a folder of the caller.
  export INIT_CWD=$caller
  local tool
  # Small images have a shell, but not all of these.
  for tool in cmp find grep sed; do command -v "$tool" >/dev/null || fail "$tool is needed" 1; done
  cd_home
  local command=start
  case "${1-}" in
    help) set -- --help ;;
    '' | -*) ;;
    *) command=$1; shift ;;
  esac
  list_scripts | grep -xF -e "$command" >/dev/null || fail "Unknown command $command: see ./run.sh --help"

  # Report wrong arguments before the setup, because it takes a minute on a fresh clone.
  local rest=() expected= config= all= folder= argument
  case "$command" in backup | restore) folder=next ;; esac
  for argument in "$@"; do
    if [ -n "$expected" ]; then
      [ "$expected" = --app ] || argument=$(absolute "$caller" "$argument")
      [ "$expected" != --config ] || config=$argument
      rest+=("$expected" "$argument")
      expected=
      continue
    fi
    case "$command $argument" in
      'start --help' | 'start -h') print_usage; exit 0 ;;
      'test --help' | 'test -h') echo "$test_usage"; exit 0 ;;
      'start --version') sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json; exit 0 ;;
      'start --node') find_node; exit 0 ;;
      'start --all') all=yes ;;
      test\ *) rest+=("$argument") ;;
      *\ --config | *\ --app | 'migrate --from' | 'migrate --to' | 'deploy --out') expected=$argument ;;
      migrate\ --from=* | migrate\ --to=* | deploy\ --out=*) rest+=("${argument%%=*}" "$(absolute "$caller" "${argument#*=}")") ;;
      # Commands run in the project's folder, so a relative path of the caller becomes absolute.
      *\ --config=*) config=$(absolute "$caller" "${argument#*=}"); rest+=(--config "$config") ;;
      *\ --app=* | 'start --pretty' | 'dev --pretty' | 'dev --help' | 'dev -h') rest+=("$argument") ;;
      start\ -* | dev\ -*) fail "Unknown option $argument: see ./run.sh --help" ;;
      start\ * | dev\ *) fail "Unknown argument $argument: see ./run.sh --help" ;;
      *\ -*) rest+=("$argument") ;;
      *)
        if [ "$folder" = next ]; then argument=$(absolute "$caller" "$argument"); folder=; fi
        rest+=("$argument")
        ;;
    esac
  done
  [ -z "$expected" ] || fail "Missing value of $expected: see ./run.sh --help"
  case "$all ${rest[*]-}" in yes*--app*) fail 'Expected --all or --app, not both' ;; esac
  [ -z "$config" ] || [ -f "$config" ] || fail "$config: there is no such file"

  local node
  node=$(find_node)
  install_dependencies "$node"
  mkdir -p data logs
  # The other commands read or write generated/ themselves, or work without it.
  case "$command" in start | test | fuzz | fuzz:connections | bench) generate "$node" ;; esac
  case "$all$command" in
    yesstart) use_compile_cache; exec "$node" "$young" scripts/start-all.ts ${rest[@]+"${rest[@]}"} ;;
    # Not with its npm script, which would add a shell between this script and the server.
    start) use_compile_cache; exec "$node" "$young" src/main.ts ${rest[@]+"${rest[@]}"} ;;
    *) run_script "$node" "$command" ${rest[@]+"${rest[@]}"} ;;
  esac
}

# Keeps what Node compiles, from the first file on. The framework does the same, but only after Node has read that file.
use_compile_cache() { export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$PWD/node_modules/.cache/node}; }

# Ends with one line. The exit code is 2 for wrong arguments, and 1 for a setup that fails.
fail() { echo "run.sh: $1" >&2; exit "${2-2}"; }

# A path, or the URL of a database, from the caller's folder.
absolute() {
  case "$2" in
    /* | postgres*://* | sqlite:/* | sqlite::memory:) echo "$2" ;;
    sqlite:?*) echo "sqlite:$1/${2#sqlite:}" ;;
    *) echo "$1/$2" ;;
  esac
}

# Changes to the folder of this file and follows links to it. macOS has no `readlink -f`.
cd_home() {
  local file=${BASH_SOURCE[0]} link
  while [ -L "$file" ]; do
    link=$(readlink "$file")
    case "$link" in /*) file=$link ;; *) file=$(dirname -- "$file")/$link ;; esac
  done
  # With CDPATH, `cd` may change to another folder of the same name.
  CDPATH='' cd -- "$(dirname -- "$file")"
  # The setup replaces node_modules, so it must never run in the folder of another project.
  grep -qs 'src/main.ts' package.json || fail "$PWD is not the project's folder: start run.sh from there"
}

# Prints the names of the scripts in package.json that can run here.
list_scripts() { sed -n '/^  "scripts": {/,/^  }/s/^    "\([^"]*\)": .*/\1/p' package.json | without_bench; }

print_usage() { echo "$usage" | without_bench; }

# Leaves out the benchmark in a product, because only the framework's repository has it.
without_bench() { if [ -d bench ]; then cat; else grep -Ev '^( *)bench($| )'; fi; }

# Runs a script of package.json like npm, with the right Node. The script replaces this process.
run_script() {
  local node=$1 name=$2 script
  shift 2
  script=$("$node" -p 'require("./package.json").scripts[process.argv[1]]' "$name")
  PATH=$(dirname "$node"):$PWD/node_modules/.bin:$PATH exec sh -c "$script \"\$@\"" "$name" "$@"
}

# Prints the path of a Node that is new enough: the installed one, or the pinned one, which npm caches.
find_node() {
  local installed
  installed=$(command -v node || true)
  if [ -n "$installed" ] && is_new_enough "$installed"; then echo "$installed"; return; fi
  local kept=node_modules/.node-path path='' version
  version=$(cat .node-version)
  [ -f "$kept" ] && path=$(cat "$kept")
  if [ -z "$path" ] || [ ! -x "$path" ]; then
    command -v npx >/dev/null || fail "Node $version or npm is needed" 1
    echo "run.sh: downloading Node $version with npm, once" >&2
    # In another folder, because `devEngines` makes npx fail with an old Node in this one.
    path=$(cd / && npx --yes --package "node@$version" -- node -p process.execPath) ||
      fail "Node $version could not be installed: see above" 1
  fi
  is_new_enough "$path" || fail "Node $version could not be installed" 1
  echo "$path"
}

# The same versions as `engines` in package.json. An older Node has no type stripping, or crashes in the SQLite driver.
is_new_enough() {
  local version major minor
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  [ "$major" -ge 24 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 19 ]; }
}

install_dependencies() {
  # Without names, because a new name of the project changes no dependency.
  cmp -s <(without_names package-lock.json) <(without_names node_modules/.installed) && return
  command -v npm >/dev/null || fail 'npm is needed to install the dependencies' 1
  [ -w . ] || fail "$PWD cannot be written, and the dependencies are not installed" 1
  echo 'run.sh: installing dependencies, once' >&2
  # With another Node, npm would read the global configuration (proxy, certificate) from another folder.
  local machine
  machine=$(cd / && npm config get globalconfig)
  PATH=$(dirname "$1"):$PATH set_up npm ci --globalconfig "$machine" --include=dev --loglevel=error ||
    fail 'the dependencies could not be installed: see above' 1
  echo "$1" >node_modules/.node-path
  # For .vscode/launch.json, which needs the path of a program.
  ln -sf "$1" node_modules/.node
  cp package-lock.json node_modules/.installed
}

without_names() { if [ -f "$1" ]; then grep -v '^ *"name": ' "$1"; fi; }

# Runs a step of the setup. SIGTERM and Ctrl-C end the step, and then this script with exit code 0.
set_up() {
  "$@" >&2 &
  local step=$! code=0
  trap 'kill "$step" 2>/dev/null || true; wait "$step" || true; exit 0' TERM INT
  wait "$step" || code=$?
  trap - TERM INT
  return "$code"
}

# Writes contracts, types and the list of services if one of their sources is newer.
generate() {
  local stamp=node_modules/.generated newer=
  if [ -f "$stamp" ]; then
    newer=$(find src scripts generated package.json package-lock.json -newer "$stamp" | head -n 1)
    [ -n "$newer" ] || return 0
  fi
  set_up "$1" scripts/generate.ts
  touch "$stamp"
}

main "$@"
