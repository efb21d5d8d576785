// Runs test files: npm run test:one -- FILE… [--test-name-pattern TEXT] [--inspect-brk]
const words = process.argv.slice(2)
const isFile = (word: string): boolean => /^[^-].*\.ts$/.test(word)
// Node takes flags behind a file for words to that file.
const flags = words.filter((word) => !isFile(word))
// A test file runs by itself, too, and a debugger needs the very process that runs it.
const isDebugged = flags.some((flag) => flag.startsWith('--inspect'))
if (!words.some(isFile)) {
  process.stderr.write('test:one: name a test file, as in: npm run test:one core/position.test.ts\n')
  process.exit(2)
}
const runner = isDebugged ? [] : ['--test']
process.execve?.(process.execPath, [process.execPath, ...runner, ...flags, ...words.filter(isFile)])
