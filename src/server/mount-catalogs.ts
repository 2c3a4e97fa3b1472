/** Reads the catalog folder, one JSON file per catalog as in Trino's etc/catalog, and mounts each with its connector. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { MountedCatalog } from '../catalog/catalog-manager.ts';
import { nearest, QueryError } from '../common/errors.ts';
import type { Connector, KernelQueries, RuntimeTables } from '../connectors/connector.ts';
import { filesConfigurationSchema } from '../connectors/files/configuration.ts';
import { FilesConnector } from '../connectors/files/files-connector.ts';
import { INLINE } from '../connectors/inline/inline-rows.ts';
import { InformationSchemaConnector } from '../connectors/system/information-schema.ts';
import { SystemConnector } from '../connectors/system/system-connector.ts';
import { tpchConfigurationSchema } from '../connectors/tpch/configuration.ts';
import { TpchConnector } from '../connectors/tpch/tpch-connector.ts';
import type { FileSystems } from '../filestore/file-systems.ts';

export type CatalogPorts = {
  readonly kernel: KernelQueries;
  readonly runtime: RuntimeTables;
  readonly fileSystems: FileSystems;
  /** Where connectors keep what they computed. */
  readonly cacheDirectory: string;
};

type Factory = (properties: unknown, baseDirectory: string, ports: CatalogPorts) => Connector;

const CONNECTORS: Readonly<Record<string, Factory>> = {
  files: (properties, baseDirectory, { kernel, fileSystems, cacheDirectory }) =>
    new FilesConnector({
      configuration: filesConfigurationSchema.parse(properties),
      baseDirectory,
      kernel,
      fileSystems,
      cacheDirectory,
    }),
  tpch: (properties) => new TpchConnector(tpchConfigurationSchema.parse(properties)),
};

const SYSTEM = 'system';

/** Throws INVALID_CATALOG_PROPERTY, naming the file and the property, when a file cannot be mounted. */
export async function mountCatalogs(directory: string, ports: CatalogPorts): Promise<readonly MountedCatalog[]> {
  const mounted = [mount(SYSTEM, SYSTEM, INLINE, new SystemConnector(ports.runtime))];
  const names = await readdir(directory).catch(() => {
    throw new QueryError(
      'INVALID_CATALOG_PROPERTY',
      `The catalog folder ${directory} cannot be read; name another with --catalogs`,
    );
  });
  for (const fileName of names.filter((name) => name.endsWith('.json')).toSorted()) {
    const name = fileName.slice(0, -'.json'.length).toLowerCase();
    const file = path.join(directory, fileName);
    if (!/^[a-z_][a-z0-9_]*$/.test(name) || name === SYSTEM) {
      const rule = name === SYSTEM ? 'that one is there already' : 'small letters, digits and _, no digit first';
      throw invalid(file, `a catalog cannot be called "${name}" (${rule}); give the file another name`);
    }
    const properties = readProperties(file, await readFile(file, 'utf8'));
    const factory = CONNECTORS[properties.connector];
    if (!factory) {
      const near = nearest(properties.connector, Object.keys(CONNECTORS)) ?? Object.keys(CONNECTORS).join(' or ');
      throw invalid(file, `there is no connector "${properties.connector}"; did you mean ${near}?`);
    }
    mounted.push(mount(name, properties.connector, properties.connector, make(file, factory, properties, ports)));
  }
  return mounted;
}

function mount(name: string, connectorName: string, scanProvider: string, connector: Connector): MountedCatalog {
  const information = new InformationSchemaConnector(name, connector);
  return { name, connectorName, scanProvider, connector, information, informationScanProvider: INLINE };
}

function make(file: string, factory: Factory, properties: unknown, ports: CatalogPorts): Connector {
  try {
    return factory(properties, path.dirname(file), ports);
  } catch (problem) {
    if (problem instanceof z.ZodError) throw invalid(file, z.prettifyError(problem));
    if (problem instanceof QueryError) throw invalid(file, problem.message);
    throw problem;
  }
}

const catalogSchema = z.looseObject({ connector: z.string() });

function readProperties(file: string, text: string): z.infer<typeof catalogSchema> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (problem) {
    throw invalid(file, `it is no JSON (${problem instanceof Error ? problem.message : String(problem)})`);
  }
  const properties = catalogSchema.safeParse(parsed);
  if (!properties.success) throw invalid(file, 'it must be an object with the property "connector"');
  return properties.data;
}

const invalid = (file: string, what: string): QueryError =>
  new QueryError('INVALID_CATALOG_PROPERTY', `Catalog file ${file}: ${what}`);
