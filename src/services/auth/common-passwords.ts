import { normalizePassword } from './passwords.ts';

/**
 * Passwords of at least 12 characters that are common in lists of leaked passwords. They are in lower case and have
 * only letters and digits.
 */
const common: ReadonlySet<string> = new Set(
  `123456789012 1234567890123 12345678901234 123456789012345 1234567890123456 123123123123 123412341234
  112233445566 123456123456 987654321098 098765432109 012345678901 123456789101 123456789abc 123456789qwe
  123456789qwerty abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz abcd12345678
  abc123abc123 abcdef123456 qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwertyuiopasdf qwertyuiopasdfgh
  qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwerty123456 qwerty1234567 qwerty12345678 qwerty123456789
  qwertyqwerty qwertyasdfgh qwertyasdfghzxcvbn asdfghjkl123 asdfghjklqwe asdfasdfasdf asdfghjklzxcvbnm
  1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i 1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv qazwsxedcrfvtgb
  zxcvbnmasdfghjkl password1234 password12345 password123456 password1234567 password12345678
  password123456789 passwordpassword password2020 password2021 password2022 password2023 password2024
  password2025 password2026 passw0rd1234 passw0rd123456 mypassword123 mypassword1234 thisismypassword
  changemenow1 changeme1234 changemeplease letmein12345 letmein123456 letmeinletmein iloveyou1234
  iloveyou12345 iloveyou123456 iloveyousomuch iloveyouforever iloveyoubaby welcome12345 welcome123456
  welcome2024 welcome2025 welcome2026 admin1234567 admin12345678 administrator administrator1 administrator123
  adminadminadmin rootrootroot superadmin123 testtesttest test12345678 testpassword testpassword123
  defaultpassword temppassword secretsecret secretpassword monkeymonkey dragondragon sunshine1234 princess1234
  football1234 baseball1234 basketball12 liverpoolfc1 manchesterunited harrypotter1 starwars1234 pokemon12345
  batman123456 superman1234 spiderman123 computer1234 internet1234 correcthorse correcthorsebatterystaple
  trustno1trustno1 whatever1234`.split(/\s+/),
);

/** Returns whether a password is among the first that an attacker tries. */
export function isCommonPassword(password: string, email: string): boolean {
  const folded = normalizePassword(password).toLowerCase();
  const [name = ''] = email.split('@');
  if (folded === email || folded.replaceAll(name, '').length < 6) return true;
  // For example, one character again and again.
  if (new Set(folded).size < 4) return true;
  return common.has(folded.replace(/[^\p{L}\p{N}]/gu, ''));
}
