import { fail, TouchmarkError } from '../base/errors.js';
import type { TemplateTeam } from '../policy/index.js';
import { checkName, checkPattern } from './new-policy.js';
import { gatherTeams } from './policy-teams.js';
import type { Terminal } from './terminal.js';

interface Missing {
  readonly repository: readonly string[];
  readonly team: readonly string[];
}

/**
 * Asks a person for the repositories and teams that no flag gave; what they answer is checked at once and asked again.
 * @param note says what was wrong with an answer
 * @throws TouchmarkError `usage-no-terminal` naming the flags, `usage-argument`, `key-*`
 */
export async function completeWishes(
  { repository, team }: Missing,
  folder: string,
  terminal: Terminal | undefined,
  note: (message: string) => void,
): Promise<{ readonly repository: readonly string[]; readonly teams: readonly TemplateTeam[] }> {
  const missing = [
    ...(repository.length === 0 ? ["--repository 'registry.example/shop/*'"] : []),
    ...(team.length === 0 ? ['--team base=base.pub'] : []),
  ];
  if (missing.length > 0 && terminal === undefined)
    fail('usage-no-terminal', 'the policy needs repositories and teams, and there is nobody to ask', {
      hint: `add ${missing.join(' ')}`,
    });
  const ask = async <T>(prompt: string, take: (answer: string) => T | Promise<T>): Promise<T> => {
    for (;;) {
      const answer = (await terminal?.ask(prompt, { echo: true }))?.trim() ?? '';
      try {
        return await take(answer);
      } catch (error) {
        if (!(error instanceof TouchmarkError)) throw error;
        note(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
      }
    }
  };
  const repositories =
    repository.length > 0
      ? repository
      : [
          await ask('Images it is about, such as registry.example/shop/*: ', answer => {
            checkPattern('--repository', answer);
            return answer;
          }),
        ];
  if (team.length > 0) return { repository: repositories, teams: await gatherTeams(team, folder) };
  const words: string[] = [];
  for (;;) {
    const name = await ask(
      words.length === 0 ? 'Team that builds first: ' : 'Team that builds on it (empty: no more): ',
      answer => {
        if (answer !== '' || words.length === 0) checkName('--team', answer);
        return answer;
      },
    );
    if (name === '') return { repository: repositories, teams: await gatherTeams(words, folder) };
    const word = await ask(
      `Public keys of ${name}, one for each signer, with commas between: `,
      async answer => {
        const given = `${name}=${answer}`;
        await gatherTeams([...words, given], folder);
        return given;
      },
    );
    words.push(word);
  }
}
