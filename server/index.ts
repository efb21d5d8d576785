export { checkStore, type StoreLogChecked } from './audit/check-store.ts'
export { type Checked, checkExport } from './audit/export.ts'
export { type Config, checkConfig } from './config/config.ts'
export { readMasterKey } from './config/key-files.ts'
export { SETTINGS, type Setting, type SettingName } from './config/settings.ts'
export {
  CONFIG_FILE,
  explainSettings,
  readConfigFile,
  resolveSettings,
  type Sources,
  type Values,
} from './config/sources.ts'
export {
  type EpochStart,
  type EpochStarted,
  placeIn,
  realmsOutOfOrder,
  startEpochs,
} from './epochs.ts'
export { PASSWORD_COST, type PasswordCost } from './passwords.ts'
export { createSystemRandom } from './random.ts'
export { type RunningServer, type Surroundings, startServer } from './start.ts'
