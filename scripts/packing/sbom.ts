import { createHash } from 'node:crypto';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { licenceOf } from './licences.js';
import type { ShippedPackage } from './shipped.js';

/** A package as the world names it: https://github.com/package-url/purl-spec. */
const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** A single id, or an expression of several. */
const licencesOf = (licence: string | null): readonly object[] => {
  if (licence === null) return [];
  return /\s/.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }];
};

/** What a release is called, and what it is made of. */
export interface Release {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** What it names in its own package.json. */
  readonly dependencies: readonly string[];
}

/** The bill of materials in CycloneDX 1.6: every package of which something is shipped. The same release gives the same text. */
export const sbomOf = ({ name, version, licence, dependencies }: Release, packages: readonly ShippedPackage[]): string => {
  const refs = new Map(packages.map((shipped) => [shipped.name, purlOf(shipped.name, shipped.version)]));
  const refsOf = (names: readonly string[]): readonly string[] => [...new Set(names.flatMap((each) => refs.get(each) ?? []))].sort();
  const own = purlOf(name, version);
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': own, name, version, licenses: licencesOf(licence), purl: own } },
    components: packages.map((shipped) => ({
      type: 'library',
      'bom-ref': purlOf(shipped.name, shipped.version),
      name: shipped.name,
      version: shipped.version,
      licenses: licencesOf(licenceOf(shipped)),
      purl: purlOf(shipped.name, shipped.version),
    })),
    dependencies: [
      { ref: own, dependsOn: refsOf(dependencies) },
      ...packages.map((shipped) => ({ ref: purlOf(shipped.name, shipped.version), dependsOn: refsOf(shipped.dependencies) })),
    ],
  };
  const digest = createHash('sha256').update(JSON.stringify(bom)).digest('hex');
  // A UUID of version 8: made of what the bill says.
  const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  return `${JSON.stringify({ ...bom, serialNumber: `urn:uuid:${uuid}` }, null, 2)}\n`;
};

/** @throws when a bill of materials is not as CycloneDX 1.6 has it */
export const assertSbom = async (sbom: string): Promise<void> => {
  const faults: unknown = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(sbom);
  if (faults !== null) throw new Error(`The SBOM is not valid: ${JSON.stringify(faults)}`);
};
