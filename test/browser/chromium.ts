import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const places = [
  process.env.STARLING_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const executablePath = places.find((path) => path !== undefined && existsSync(path));

/** Why there is no browser; false where there is one. Continuous integration installs it, so there nothing is skipped. */
export const noBrowser: string | false =
  executablePath === undefined && !process.env.CI
    ? "Chromium is not installed, and STARLING_CHROMIUM names none"
    : false;

/** A browser without a window; the sandbox needs rights that containers lack. */
export const openBrowser = () => chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
