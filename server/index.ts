export { type Config, checkConfig } from './config/config.ts'
export { SETTINGS, type Setting, type SettingName } from './config/settings.ts'
export {
  CONFIG_FILE,
  explainSettings,
  readConfigFile,
  resolveSettings,
  type Sources,
  type Values,
} from './config/sources.ts'
export { type RunningServer, type Surroundings, startServer } from './start.ts'
