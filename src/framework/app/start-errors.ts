import { basename } from 'node:path';
import { type Config, ConfigError } from '../config/config.ts';
import { appConfig } from '../config/topology.ts';

/** An error that prevents the start and is not a mistake in the config: one line, exit code 1. */
export class StartError extends Error {}

/** Codes for an address that does not exist or belongs to another machine. */
const foreignAddress = /^(ENOTFOUND|EAI_\w+|EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL|ENODATA)$/;

/** Converts an error of `listen` to one line that names the cause. */
export function describeListenError(error: NodeJS.ErrnoException, config: Config, name: string): Error {
  const { code = '' } = error;
  const { host, port } = appConfig(config, name);
  if (foreignAddress.test(code)) {
    return new ConfigError(
      `${basename(config.file)}: apps.${name}.host: ${host} is not an address of this machine (${code})`,
    );
  }
  if (code === 'EADDRINUSE')
    return new StartError(`port ${port} of ${host} is in use: change apps.${name}.port in ${config.file}`);
  if (code === 'EACCES')
    return new StartError(
      `port ${port} of ${host} is not allowed to this user: change apps.${name}.port in ${config.file}`,
    );
  return error;
}

const logDirectoryReasons: Readonly<Record<string, string>> = {
  EEXIST: 'is not a folder',
  ENOTDIR: 'is not in a folder',
  EISDIR: 'contains a folder with the name of the log file',
  EACCES: 'is not writable for this user',
  EPERM: 'is not writable for this user',
  EROFS: 'is on a read-only file system',
  ENOENT: 'cannot be created',
  ENAMETOOLONG: 'is too long',
  ELOOP: 'is a symbolic link to itself',
};

/** Converts an error that prevents opening the log file to one line. */
export function describeLogError(error: NodeJS.ErrnoException, config: Config): Error {
  const { code = '', path } = error;
  const reason = logDirectoryReasons[code];
  if (reason !== undefined) {
    return new ConfigError(
      `${basename(config.file)}: log.directory: ${config.log.directory} ${reason} (${code})`,
    );
  }
  return error.syscall === undefined ? error : new StartError(`the log ${path} cannot be opened (${code})`);
}
