#!/usr/bin/env bash
# Sets up what is missing, then runs what is asked. Works with bash 3.2, that of macOS.
set -euo pipefail

usage='Usage: ./run.sh [dev] [--config FILE] [--app NAME | --all]
       ./run.sh test [ARGUMENTS OF VITEST]

Sets up what is missing (Node, dependencies, generated files), then starts the
first app of config.yaml: by default a gateway with every service in it, at
http://127.0.0.1:8000. Ctrl-C stops it.

  dev             start anew when a source or the config changes
  test            run the tests, once, to the end
  --config FILE   take this config file
  --app NAME      start this app of the config file
  --all           start every app of it, each as its own process
  --help          this text
  --version       the version'

# MiB for what has just been made: a request lives there and dies. Node's own bound follows the memory of the machine.
young=--max-semi-space-size=32

main() {
  local mode=start config=
  case "${1-}" in
    dev | test) mode=$1; shift ;;
    help) set -- --help ;;
  esac
  # What is wrong with the arguments is said before anything is set up.
  local rest=() expected=
  if [ "$mode" != test ]; then
    local argument
    for argument in "$@"; do
      if [ -n "$expected" ]; then
        # The server starts in the project's folder: a path is one from here.
        case "$expected$argument" in
          --config/*) ;;
          --config*) argument=$PWD/$argument ;;
        esac
        [ "$expected" = --config ] && config=$argument
        rest+=("$expected" "$argument")
        expected=
        continue
      fi
      case "$argument" in
        --help | -h) echo "$usage"; exit 0 ;;
        --node) cd_home; find_node; exit 0 ;; # the path of the Node that it takes, for scripts
        --version) cd_home; sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json; exit 0 ;;
        --all) [ "$mode" = start ] || fail "--all does not go with $mode"; mode=all ;;
        --config | --app) expected=$argument ;;
        --config=*) config=$(absolute "${argument#*=}"); rest+=(--config "$config") ;;
        --app=*) rest+=("$argument") ;;
        *) fail "unknown argument $argument: see ./run.sh --help" ;;
      esac
    done
    [ -z "$expected" ] || fail "$expected needs a value: see ./run.sh --help"
    case "$mode ${rest[*]-}" in "all "*--app*) fail '--all and --app do not go together' ;; esac
    [ -z "$config" ] || [ -f "$config" ] || fail "$config: there is no such file"
  else
    rest=("$@")
  fi

  cd_home
  local node
  node=$(find_node)
  install_dependencies "$node"
  mkdir -p data logs
  case "$mode" in
    dev) exec "$node" scripts/dev.ts ${rest[@]+"${rest[@]}"} ;;
    test) generate "$node"; exec "$node" node_modules/vitest/vitest.mjs run ${rest[@]+"${rest[@]}"} ;;
    all) generate "$node"; exec "$node" "$young" scripts/all.ts ${rest[@]+"${rest[@]}"} ;;
    start) generate "$node"; exec "$node" "$young" src/app/main.ts ${rest[@]+"${rest[@]}"} ;;
  esac
}

fail() { echo "run.sh: $1" >&2; exit 2; }

absolute() { case "$1" in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }

cd_home() { cd "$(dirname "${BASH_SOURCE[0]}")"; }

# The path of a Node that is new enough: the one at hand, or the pinned one from npm, which keeps it.
find_node() {
  local at_hand
  at_hand=$(command -v node || true)
  if [ -n "$at_hand" ] && is_new_enough "$at_hand"; then echo "$at_hand"; return; fi
  local kept=node_modules/.node-path path=
  [ -f "$kept" ] && path=$(cat "$kept")
  if [ -z "$path" ] || [ ! -x "$path" ]; then
    command -v npx >/dev/null || { echo "run.sh: Node $(cat .node-version) or npm is needed" >&2; exit 1; }
    echo "run.sh: getting Node $(cat .node-version) from npm, once" >&2
    # From another folder: in this one, npx would refuse to run under the Node that is too old.
    local version
    version=$(cat .node-version)
    path=$(cd / && npx --yes --package "node@$version" -- node -p process.execPath) || exit 1
  fi
  is_new_enough "$path" || { echo "run.sh: no Node $(cat .node-version) could be had" >&2; exit 1; }
  echo "$path"
}

# As `engines` in package.json: an older one has no type stripping, or crashes in the SQLite driver.
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
  cmp -s package-lock.json node_modules/.installed && return
  echo 'run.sh: installing dependencies, once' >&2
  # Under another Node npm would look for the machine's configuration, a proxy or a certificate, in another place.
  local machine
  machine=$(cd / && npm config get globalconfig)
  PATH=$(dirname "$1"):$PATH npm ci --globalconfig "$machine" --include=dev --loglevel=error >&2
  echo "$1" >node_modules/.node-path
  cp package-lock.json node_modules/.installed
}

# Contracts, types and the list of services, when something that they are made of is newer than they are.
generate() {
  local stamp=node_modules/.generated newer=
  if [ -f "$stamp" ]; then
    newer=$(find src scripts generated package.json package-lock.json -newer "$stamp" | head -n 1)
    [ -n "$newer" ] || return 0
  fi
  "$1" scripts/generate.ts >&2
  touch "$stamp"
}

main "$@"
