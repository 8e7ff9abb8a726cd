import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
  test: {
    include: ["src/**/*.test.ts", "plugins/**/*.test.ts", "test/**/*.test.ts"],
    // Tests that start processes must see the same entry points as the code does.
    execArgv: ["--conditions=source"],
    testTimeout: 20_000,
    globalSetup: ["test/kafka/global.ts"],
  },
});
