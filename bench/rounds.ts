/** The same, again and again. */
import { type Bench, tolerated } from './result.ts';

/**
 * Rounds of figures, as many as the bench wants, and those before them to warm up. A round during which something else
 * was busy on our cores is no measurement: it is done anew, until patience ends.
 * @param patience how often, in all.
 */
export async function measureRounds<Figure extends { readonly othersBusy: number; readonly rate?: number }>(
  bench: Pick<Bench, 'pairs' | 'warmUps' | 'say' | 'waitForQuiet'>,
  measure: () => Promise<readonly Figure[]>,
  patience = bench.pairs,
): Promise<(readonly Figure[])[]> {
  const rounds: (readonly Figure[])[] = [];
  let left = patience;
  bench.say('warms up');
  for (let done = 0; done < bench.warmUps; done++) await measure();
  while (rounds.length < bench.pairs) {
    bench.say(`round ${rounds.length + 1} of ${bench.pairs}`);
    const round = await measure();
    const isDisturbed = round.some(({ othersBusy }) => othersBusy > tolerated);
    if (isDisturbed && left-- > 0) {
      bench.say('something else is busy here: waits, and measures once more');
      await bench.waitForQuiet();
    } else if (round.some(({ rate }) => rate === 0)) {
      throw new Error('no answer in all that time');
    } else {
      rounds.push(round);
    }
  }
  return rounds;
}
