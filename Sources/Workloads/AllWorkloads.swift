/// Every workload that can be swept: a new one is one line here.
package let allWorkloads: [any Workload.Type] = [
  MatmulWorkload.self,
  QuantizedMatmulWorkload.self,
  DequantizeWorkload.self,
  QuantizeWorkload.self,
  AttentionPrefillWorkload.self,
  AttentionDecodeWorkload.self,
  RotaryWorkload.self,
  DecoderBlockWorkload.self,
  DecoderWorkload.self,
  TrainingStepWorkload.self,
  SelfTestWorkload.self,
]
