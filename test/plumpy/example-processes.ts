import { Continue, Kill, Process, type ProcessSpec, Wait } from 'damson'

/** Neither takes nor gives anything. */
export class Nothing extends Process {}

export class WithOutput extends Process {
  static override define(spec: ProcessSpec): void {
    spec.inputs.dynamic = true
    spec.outputs.dynamic = true
    spec.output('default', { schema: { type: 'integer' } })
  }
  override run(): void {
    this.out('default', 5)
  }
}

export class WithDynamicOutput extends Process {
  static override define(spec: ProcessSpec): void {
    spec.outputs.dynamic = true
  }
  override run(): void {
    this.out('default', 5)
  }
}

export class WaitsForResume extends Process {
  override run(): unknown {
    return new Wait(this.lastStep)
  }
  lastStep(): unknown {
    return
  }
}

/** After its wait it says so in an output. */
export class Restarts extends WaitsForResume {
  static override define(spec: ProcessSpec): void {
    spec.outputs.dynamic = true
  }
  override lastStep(): void {
    this.out('finished', true)
  }
}

export class KillsItself extends Process {
  override run(): unknown {
    return new Kill('killed')
  }
}

export class MissesOutput extends Process {
  static override define(spec: ProcessSpec): void {
    spec.output('default', { required: true })
  }
}

export class ThreeSteps extends Process {
  static override define(spec: ProcessSpec): void {
    spec.outputs.dynamic = true
  }
  override run(): unknown {
    this.out('test', 5)
    return new Continue(this.middleStep)
  }
  middleStep(): unknown {
    return new Continue(this.lastStep)
  }
  lastStep(): unknown {
    return
  }
}

export class ThreeStepsThenThrows extends ThreeSteps {
  override lastStep(): never {
    throw new Error('Great scott!')
  }
}

export class TwoSteps extends Process {
  override run(): unknown {
    return new Continue(this.lastStep)
  }
  lastStep(): unknown {
    return
  }
}

export class Throws extends Process {
  static override define(spec: ProcessSpec): void {
    spec.outputs.dynamic = true
  }
  override run(): void {
    this.out('test', 5)
    throw new Error('Great scott!')
  }
}

/** Pauses itself in its first step and keeps the names of the steps that ran. */
export class SavesAndPauses extends Process {
  static override readonly persisted = ['stepsRan']
  stepsRan: string[] = []
  override run(): unknown {
    void this.pause()
    this.stepsRan.push('run')
    return new Continue(this.step2)
  }
  step2(): void {
    this.stepsRan.push('step2')
  }
}

/** Lets everything happen that needs nothing from outside. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
