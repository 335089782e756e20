import type { ServerResponse } from 'node:http';

/** What no page of ours needs, so that a script which gets into one cannot ask for it. */
const PERMISSIONS = ['browsing-topics', 'camera', 'display-capture', 'geolocation', 'hid', 'microphone', 'midi', 'payment', 'serial', 'usb']
  .map((feature) => `${feature}=()`)
  .join(', ');

/**
 * Sets the headers that every page has.
 * @param policy the directives of its Content-Security-Policy
 */
export const setPageHeaders = (response: ServerResponse, policy: readonly string[]): void => {
  response.setHeader('content-security-policy', policy.join('; '));
  response.setHeader('permissions-policy', PERMISSIONS);
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
};
