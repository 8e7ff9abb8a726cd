/** Writes deploy/grafana/dashboards from ./dashboards. `npm run dashboards` */
import { mkdir, writeFile } from "node:fs/promises";
import { dashboardFiles } from "./dashboards/all.ts";

const folder = new URL("../deploy/grafana/dashboards/", import.meta.url);
await mkdir(folder, { recursive: true });
for (const [name, text] of dashboardFiles()) await writeFile(new URL(name, folder), text);
