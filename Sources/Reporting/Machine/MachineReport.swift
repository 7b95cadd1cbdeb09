package import OrderedCollections
package import Quantities
package import Records

/// What `headroom machine` tells: no run, only the machine.
package struct MachineReport: Sendable {
  package let machine: Machine
  package let build: Build
  package let ceilings: Ceilings
  package let conditions: Conditions
  package let noise: MachineNoise
  /// By name, in the order to be shown in: what it is good for, or why the machine lacks it.
  package let capabilities: OrderedDictionary<String, Reading<String>>

  package init(
    machine: Machine, build: Build, ceilings: Ceilings, conditions: Conditions, noise: MachineNoise,
    capabilities: OrderedDictionary<String, Reading<String>>
  ) {
    self.machine = machine
    self.build = build
    self.ceilings = ceilings
    self.conditions = conditions
    self.noise = noise
    self.capabilities = capabilities
  }
}
