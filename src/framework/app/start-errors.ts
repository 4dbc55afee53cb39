import { basename } from 'node:path';
import { type Config, ConfigError } from '../config/config.ts';
import { appConfig } from '../config/topology.ts';

/** An error outside of the config that prevents the start: one line, exit code 1. */
export class StartError extends Error {}

/** The system knows no such address, or it belongs to another machine. */
const foreign = /^(ENOTFOUND|EAI_\w+|EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL|ENODATA)$/;

/** Converts an error of `listen` to one line that names the cause in the config or the machine. */
export function describeListenError(error: NodeJS.ErrnoException, config: Config, name: string): Error {
  const { code = '' } = error;
  const { host, port } = appConfig(config, name);
  if (foreign.test(code)) {
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

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'is not a folder',
  ENOTDIR: 'is not in a folder',
  EISDIR: 'has a folder where the log file has its name',
  EACCES: 'may not be written by this user',
  EPERM: 'may not be written by this user',
  EROFS: 'is on a disk that is mounted for reading only',
  ENOENT: 'cannot be made',
  ENAMETOOLONG: 'is too long',
  ELOOP: 'is a link to itself',
};

/** Converts an error of opening the log file to one line. */
export function describeLogError(error: NodeJS.ErrnoException, config: Config): Error {
  const { code = '', path } = error;
  const reason = reasons[code];
  if (reason !== undefined) {
    return new ConfigError(
      `${basename(config.file)}: log.directory: ${config.log.directory} ${reason} (${code})`,
    );
  }
  return error.syscall === undefined ? error : new StartError(`the log ${path} cannot be opened (${code})`);
}
