export { isObject, type Json, type JsonObject, parseStrictJson, parseStrictObject } from '@rescind/core/bytes'
