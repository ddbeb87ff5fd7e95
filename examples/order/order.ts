import { if_, WaitTimeout, WorkChain, type WorkChainSpec } from 'damson'
import { PaymentService, PaymentServiceDown } from './payments.ts'

/** How long somebody has for approving an order. */
const approvalTime = '3d'

const text = { schema: { type: 'string' } } as const
const decision = {
  type: 'object',
  properties: { approved: { type: 'boolean' }, by: { type: 'string' } },
  required: ['approved', 'by'],
  additionalProperties: false,
} as const

/** Takes the payment, asks for an approval, and ships; or gives the money back. */
export class Order extends WorkChain<typeof Order> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    const backoff = { initial: '1s', factor: 4, max: '10m' }
    return (
      spec
        .input('item', text)
        .input('amount', { schema: { type: 'number', exclusiveMinimum: 0 }, help: 'in €' })
        .input('card', text)
        .input('ledger', { ...text, help: 'the file of the payment service' })
        .output('payment', { ...text, required: false })
        .output('parcel', { ...text, required: false })
        .output('refund', { ...text, required: false })
        .signal('approval', { schema: decision })
        .exitCode(310, 'ERROR_DECLINED', 'the payment of {amount} € was declined: {reason}')
        .exitCode(320, 'ERROR_REFUSED', '{by} refused the order; {amount} € were refunded')
        .exitCode(321, 'ERROR_NOT_APPROVED', 'nobody approved it within {time}; {amount} € were refunded')
        .retry(Order.prototype.pay, { attempts: 5, backoff, on: PaymentServiceDown })
        // Money that can't be given back is for a person to look at: the order is paused then, and not failed.
        .retry(Order.prototype.refund, {
          attempts: 5,
          backoff,
          on: PaymentServiceDown,
          whenExhausted: 'pause',
        })
        .outline(
          Order.prototype.pay,
          Order.prototype.askForApproval,
          if_(Order.prototype.isApproved)(Order.prototype.ship).else_(Order.prototype.refund),
        )
    )
  }

  // Saved at the end of each step.
  declare ctx: { decision?: { readonly approved: boolean; readonly by: string } }

  async pay() {
    const { amount, card } = this.inputs
    // Recorded as soon as it is done. A step that runs again, after a crash or a failure, gets what is recorded; where there is nothing, the
    // service knows by the key whether it has been asked before.
    const charged = await this.effect('charge', ({ idempotencyKey }) =>
      this.#service().charge({ key: idempotencyKey, card, amount }),
    )
    if (charged.status === 'declined')
      return this.exitCodes.ERROR_DECLINED({ amount, reason: charged.reason })
    this.out('payment', charged.id)
    return undefined
  }

  async askForApproval(): Promise<void> {
    try {
      // For days: in the file alone, and not in memory.
      this.ctx.decision = await this.receive('approval', { timeout: approvalTime, evict: true })
    } catch (error) {
      if (!(error instanceof WaitTimeout)) throw error
    }
  }

  isApproved(): boolean {
    return this.ctx.decision?.approved ?? false
  }

  ship(): void {
    this.out('parcel', `${this.inputs.item}, approved by ${this.ctx.decision?.by}`)
  }

  async refund() {
    const { amount, card } = this.inputs
    const refund = await this.effect('refund', ({ idempotencyKey }) =>
      this.#service().refund({ key: idempotencyKey, card, amount }),
    )
    this.out('refund', refund)
    const { decision } = this.ctx
    return decision === undefined
      ? this.exitCodes.ERROR_NOT_APPROVED({ amount, time: approvalTime })
      : this.exitCodes.ERROR_REFUSED({ amount, by: decision.by })
  }

  #service(): PaymentService {
    return new PaymentService(this.inputs.ledger)
  }
}
