#!/usr/bin/env bash
# Clones this repository's HEAD into an empty folder and runs the README's two commands there, each in a clone of its own.
#   scripts/fresh-clone.sh [FOLDER]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$(mktemp -d)}
# As a user would start: no bin folder of this checkout on the path, no setting of an npm that runs this script.
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/' | paste -sd ':')
for name in $(compgen -e | grep -i '^npm_' | grep -iv '^npm_config_\(registry\|cache\|cafile\|userconfig\|proxy\|https_proxy\)$'); do unset "$name"; done

git clone --quiet "$here" "$folder/start"
git clone --quiet "$here" "$folder/test"

echo "== npm start --silent"
(cd "$folder/start" && npm start --silent >"$folder/events.ndjson")
head -n 2 "$folder/events.ndjson"
node -e '
  const lines = require("fs").readFileSync(process.argv[1], "utf8").trimEnd().split("\n");
  const wrong = lines.findIndex((line) => { try { return JSON.parse(line).schema !== "starling.entities/1"; } catch { return true; } });
  if (wrong >= 0) { console.error(`line ${wrong + 1} is no EntityEvent: ${lines[wrong].slice(0, 200)}`); process.exit(1); }
  console.log(`${lines.length} events, and nothing else on standard output`);
' "$folder/events.ndjson"

echo "== npm test"
(cd "$folder/test" && npm test)
