import Measuring

/// Files as machines really had them, shortened to the lines that matter and some that must not.
enum MachineTexts {
  /// A two-core virtual machine under Firecracker, which blanks the model's name.
  static let hypervisor: [String: String] = [
    "/proc/cpuinfo": """
    processor	: 0
    vendor_id	: AuthenticAMD
    cpu family	: 26
    model		: 2
    model name	: AMD EPYC
    stepping	: 1
    cpu MHz		: 2596.120
    siblings	: 2
    cpu cores	: 2
    flags		: fpu sse2 fma f16c avx2 avx512f avx512dq avx512bw avx512vl avx_vnni avx512_bf16 avx512_vnni
    bogomips	: 5192.24

    processor	: 1
    cpu MHz		: 2600.000
    """,
    "/proc/meminfo": """
    MemTotal:       24684092 kB
    MemFree:        24496792 kB
    MemAvailable:   24410112 kB
    """,
    "/proc/loadavg": "0.10 0.31 0.22 1/85 9553\n",
    "/proc/stat": "cpu  21173 0 4232 202973 587 0 43 25 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n",
    "/proc/sys/kernel/osrelease": "6.18.44-fc-v657\n",
    "/etc/os-release": """
    NAME="Debian GNU/Linux"
    PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
    """,
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "\(cache)/index0/level": "1\n", "\(cache)/index0/type": "Data\n",
    "\(cache)/index0/size": "48K\n", "\(cache)/index0/shared_cpu_list": "0\n",
    "\(cache)/index1/level": "1\n", "\(cache)/index1/type": "Instruction\n",
    "\(cache)/index1/size": "32K\n", "\(cache)/index1/shared_cpu_list": "0\n",
    "\(cache)/index2/level": "2\n", "\(cache)/index2/type": "Unified\n",
    "\(cache)/index2/size": "1024K\n", "\(cache)/index2/shared_cpu_list": "0\n",
    "\(cache)/index3/level": "3\n", "\(cache)/index3/type": "Unified\n",
    "\(cache)/index3/size": "32768K\n", "\(cache)/index3/shared_cpu_list": "0-1\n",
    "\(cache)/uevent": "",
    "\(processor)/topology/thread_siblings_list": "0\n",
  ]

  /// A laptop-class Intel processor on bare metal, with all that a hypervisor hides.
  static let intel: [String: String] = [
    "/proc/cpuinfo": """
    processor	: 0
    vendor_id	: GenuineIntel
    cpu family	: 6
    model		: 143
    model name	: Intel(R) Xeon(R) Gold 6438Y+
    stepping	: 8
    cpu MHz		: 800.000
    flags		: fpu avx2 fma f16c avx512f amx_bf16 avx512_fp16 amx_tile amx_int8 avx_vnni

    processor	: 1
    cpu MHz		: 3900.113
    """,
    "/proc/meminfo": "MemTotal:  65507520 kB\nMemAvailable:  3276800 kB\n",
    "/proc/loadavg": "5.20 4.10 3.00 3/900 4711\n",
    "/proc/stat": "cpu  900 0 0 8900 0 0 0 200 0 0\n",
    "/proc/sys/kernel/osrelease": "5.15.167.4-microsoft-standard-WSL2\n",
    "/etc/os-release": "NAME=Fedora\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always madvise [never]\n",
    "\(processor)/cpufreq/scaling_governor": "powersave\n",
    "\(processor)/thermal_throttle/core_throttle_count": "3\n",
    "\(processor)/topology/core_cpus_list": "0,32\n",
    "\(cache)/index0/level": "3\n", "\(cache)/index0/type": "Unified\n",
    "\(cache)/index0/size": "60M\n", "\(cache)/index0/shared_cpu_list": "0-15,32-47\n",
  ]

  static let arm: [String: String] = [
    "/proc/cpuinfo": """
    processor	: 0
    BogoMIPS	: 2100.00
    Features	: fp asimd aes asimdhp asimddp sve bf16 i8mm
    CPU implementer	: 0x41
    CPU architecture: 8
    CPU variant	: 0x1
    CPU part	: 0xd40
    CPU revision	: 1
    """
  ]

  private static let processor = "/sys/devices/system/cpu/cpu0"
  private static let cache = "\(processor)/cache"
}
