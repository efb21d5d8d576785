import type { Commands } from '../../frame/command.ts'

export const META_COMMANDS: Commands = [
  {
    name: 'version',
    group: 'This command',
    summary: 'Show the version',
    examples: [{ does: 'for a script', command: 'rescind version --json' }],
    load: () => import('./version.ts'),
  },
  {
    name: 'completion',
    group: 'This command',
    summary: 'Print the completion script of a shell',
    positionals: [{ name: 'SHELL', help: 'bash, zsh or fish', choices: ['bash', 'zsh', 'fish'] }],
    examples: [
      { does: 'bash, in this shell', command: 'source <(rescind completion bash)' },
      { does: 'zsh', command: 'rescind completion zsh > "${fpath[1]}/_rescind"' },
      { does: 'fish', command: 'rescind completion fish > ~/.config/fish/completions/rescind.fish' },
    ],
    load: () => import('./completion.ts'),
  },
  {
    name: 'man',
    group: 'This command',
    summary: 'Print a man page: of everything, or of one command',
    positionals: [{ name: 'COMMAND', help: 'the words of a command', isOptional: true, isRepeated: true }],
    examples: [
      { does: 'reads it', command: 'rescind man audit verify | man -l -' },
      { does: 'installs it', command: 'rescind man | sudo tee /usr/local/share/man/man1/rescind.1' },
    ],
    load: () => import('./man.ts'),
  },
]
