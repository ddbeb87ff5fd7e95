import { InputPort, type InputPortOptions } from '../../src/ports/input-port.ts'
import type { NamespaceOptions } from '../../src/ports/port-group.ts'
import { PortNamespace } from '../../src/ports/port-namespace.ts'

/** A namespace with input ports, by their options. */
export function namespaceOf(
  ports: Readonly<Record<string, InputPortOptions | PortNamespace>>,
  options: NamespaceOptions = {},
  name = 'inputs',
): PortNamespace {
  const namespace = new PortNamespace(name, options)
  for (const [port, made] of Object.entries(ports))
    namespace.set(port, made instanceof PortNamespace ? made : new InputPort(port, made))
  return namespace
}
