/** Loaded in front of the program: writes which of Node's own modules it has loaded. */
process.on('exit', () => {
  require('node:fs').writeFileSync(process.env.LOADED_FILE, JSON.stringify(process.moduleLoadList));
});
