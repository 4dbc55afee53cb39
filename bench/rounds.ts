import { type Bench, tolerated } from './result.ts';

/**
 * Measures rounds after a warm-up. A round that other processes disturbed is repeated.
 * @param maxRepeats the maximum number of repeated rounds.
 */
export async function measureRounds<Figure extends { readonly othersBusy: number; readonly rate?: number }>(
  bench: Pick<Bench, 'pairs' | 'warmUps' | 'showProgress' | 'waitForQuiet'>,
  measure: () => Promise<readonly Figure[]>,
  maxRepeats = bench.pairs,
): Promise<(readonly Figure[])[]> {
  const rounds: (readonly Figure[])[] = [];
  let left = maxRepeats;
  bench.showProgress('warming up');
  for (let done = 0; done < bench.warmUps; done++) await measure();
  while (rounds.length < bench.pairs) {
    bench.showProgress(`round ${rounds.length + 1} of ${bench.pairs}`);
    const round = await measure();
    const isDisturbed = round.some(({ othersBusy }) => othersBusy > tolerated);
    if (isDisturbed && left-- > 0) {
      bench.showProgress('other processes are busy: waiting, then repeating the round');
      await bench.waitForQuiet();
    } else if (round.some(({ rate }) => rate === 0)) {
      throw new Error('no response during a round');
    } else {
      rounds.push(round);
    }
  }
  return rounds;
}
