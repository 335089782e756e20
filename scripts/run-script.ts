/**
 * Runs a script whose failures are for the one who typed the command: their message, without a stack, and exit code 1.
 */
export const runScript = async (script: () => Promise<void>): Promise<void> => {
  try {
    await script();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
};
