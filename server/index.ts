export { checkLogFile } from './audit/check-file.ts'
export { checkStore, type StoreLogChecked } from './audit/check-store.ts'
export { evidenceKeyIn } from './audit/evidence/known-key.ts'
export { evidenceWords } from './audit/evidence/words.ts'
export { type Checked, checkExport } from './audit/export.ts'
export { makeKeyOnStore } from './compose/key-on-store.ts'
export type { RunningServer } from './compose/listen.ts'
export { MODULES } from './compose/modules.ts'
export { resolveSettings, SETTINGS, settingsOf } from './compose/settings.ts'
export { type Surroundings, startServer } from './compose/start.ts'
export { type Config, checkConfig } from './config/config.ts'
export { explainedSettings, explainSettings } from './config/explain.ts'
export type { Setting } from './config/setting.ts'
export {
  CONFIG_FILE,
  readConfigFile,
  type Sources,
  type Values,
} from './config/sources.ts'
export type { DialectModule } from './dialects/module.ts'
export { readMasterKey } from './machine/key-files.ts'
export { PASSWORD_COST, type PasswordCost } from './machine/passwords.ts'
export { createSystemRandom } from './machine/random.ts'
export { checkStoreFiles } from './machine/store-files.ts'
export { ROLES as CONTROL_ROLES } from './records/control-keys.ts'
export {
  checkpointIn,
  type EpochStart,
  type EpochStarted,
  forkOf,
  realmsOutOfOrder,
  refuseWithoutEpoch,
  startEpochs,
} from './upkeep/epochs.ts'
