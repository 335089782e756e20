import { Secret, TOTP } from 'otpauth';

/** How long a code of an app is good, in milliseconds. */
export const STEP_MS = 30_000;

/** What an app with this seed shows at a time. @param secret in base32 */
export const codeAt = (secret: string, at: number): string => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at });
