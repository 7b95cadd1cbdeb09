/// Whether keys and values of tokens that were seen are kept, as an axis.
package enum CacheSwitch: String, AxisWord {
  case on
  case off
}
