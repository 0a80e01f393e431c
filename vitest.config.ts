import { defineConfig } from 'vitest/config';

const project = (name: string, timeout: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: timeout,
    environment: 'node' as const,
  },
});

/** `unit` needs nothing but Node; `integration` a real registry; `interop` real peers. */
export default defineConfig({
  test: {
    projects: [project('unit', 30_000), project('integration', 300_000), project('interop', 900_000)],
  },
});
