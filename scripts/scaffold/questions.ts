/** Asks the user of a terminal for the arguments of `./run.sh new`. */
import { UsageError } from '../../src/framework/app/arguments.ts';
import { CommandError } from '../lib/command.ts';
import { parseFields } from './fields.ts';
import { deriveNewNames } from './names.ts';

/** Asks for the arguments of `./run.sh new`, and returns them. Prints the command, so that the user can repeat it. */
export async function askForArguments(): Promise<string[]> {
  // Imported here, because every command with arguments would wait for the import.
  const prompts = await import('@clack/prompts');
  const { confirm, multiselect, select, text } = prompts;
  /** Returns an answer. @throws {CommandError} if the user pressed Ctrl-C. */
  const answer = async <Value>(asked: Promise<Value>): Promise<Exclude<Value, symbol>> => {
    const value = await asked;
    if (prompts.isCancel(value)) throw new CommandError('Stopped: nothing has changed');
    return value as Exclude<Value, symbol>;
  };
  /** Wraps a parser: the result is the message of its error, or undefined if it accepts the value. */
  const check = (parse: (value: string) => unknown) => (value: string | undefined) => {
    try {
      parse(value ?? '');
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    return undefined;
  };

  const kind = await answer(
    select({
      message: 'What do you want to write?',
      options: [
        { value: 'service', label: 'a service', hint: 'in this project' },
        { value: 'project', label: 'a project', hint: 'a product of your own, in another folder' },
      ],
    }),
  );
  const args: string[] = [kind];
  if (kind === 'project') {
    const required = (value: string | undefined) => (value ? undefined : 'Expected a new or empty folder');
    const folder = { message: 'Folder', placeholder: '../pet-shop', validate: required };
    args.push(await answer(text(folder)));
    if (!(await answer(confirm({ message: 'With an example service?' })))) args.push('--bare');
  } else {
    const name = await answer(
      text({ message: 'Name, in the singular', placeholder: 'toy', validate: check(deriveNewNames) }),
    );
    const fields = await answer(
      text({
        message: 'Fields of an item (./run.sh new --help has the types)',
        initialValue: 'name:string(1..200)',
        validate: check((value) => parseFields(value, name)),
      }),
    );
    const more = await answer(
      multiselect({
        message: 'What else? (space selects)',
        options: [
          { value: '--events', label: 'emit an event for each change' },
          { value: '--secured', label: 'require scopes' },
        ],
        required: false,
      }),
    );
    args.push(name, '--fields', fields, ...more);
  }
  console.log(`./run.sh new ${args.map(quote).join(' ')}`);
  return args;
}

/** Quotes an argument for a shell, if it needs quotes. */
export function quote(argument: string): string {
  return /^[\w./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
