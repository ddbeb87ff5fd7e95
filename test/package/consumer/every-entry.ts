// Loads the declarations of every entry point.
export type * as damson from 'damson'
export type * as postgres from 'damson/postgres'
export type * as rabbitmq from 'damson/rabbitmq'
export type * as sqlite from 'damson/sqlite'
export type * as testing from 'damson/testing'
