#!/usr/bin/env bash
# Brings what tests run beside Starling, through Maven, into a cache outside the repository, and prints its folder.
#   fetch.sh kafka-4 | kafka-3 | registry
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.0
registry=io.apicurio:apicurio-registry-app:2.6.13.Final

what=${1:-}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/starling
folder=$cache/$what
case $what in
  kafka-3 | kafka-4) mark=$(cksum <"$here/pom-${what#kafka-}.xml") ;;
  registry) mark=$registry ;;
  *) sed -n '2,3p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
if [ "$(cat "$folder/.complete" 2>/dev/null)" = "$mark" ]; then echo "$folder"; exit 0; fi

# Into a folder of its own first: two may fetch at the same time, and one may be cut off.
mkdir -p "$cache"
fresh=$(mktemp -d "$cache/.$what.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
case $what in
  kafka-*) mvn -B -q -f "$here/pom-${what#kafka-}.xml" "$plugin:copy-dependencies" -DincludeScope=runtime \
    -DoutputDirectory="$fresh" >&2 ;;
  registry)
    mvn -B -q "$plugin:copy" -Dartifact="$registry:tar.gz:all" -DoutputDirectory="$fresh" >&2
    tar -xzf "$fresh"/*.tar.gz -C "$fresh"
    rm "$fresh"/*.tar.gz
    ;;
esac
echo "$mark" >"$fresh/.complete"
# Whoever came first may be running what is there by now.
if [ "$(cat "$folder/.complete" 2>/dev/null)" != "$mark" ]; then
  rm -rf "$folder"
  mv "$fresh" "$folder"
fi
echo "$folder"
