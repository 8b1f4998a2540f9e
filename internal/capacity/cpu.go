package capacity

import "fmt"

// boundCPUs applies the limits on processors that the files of Linux tell.
func boundCPUs(t *tree, groups []group, b *bound[float64]) {
	// The runtime looks at the mask once. A cpuset that was changed later shows here.
	allowed, _, err := value(t, statusFile, parseAllowed)
	if err != nil {
		b.pass(err)
	}
	b.atMost(float64(allowed), "Cpus_allowed_list in /"+statusFile)
	for _, g := range groups {
		cpus, source, err := g.quota(t)
		if err != nil {
			b.pass(err)
			continue
		}
		b.atMost(cpus, source)
	}
}

// quota returns the processors whose time the group may use, 0 for no limit.
func (g group) quota(t *tree) (cpus float64, source string, err error) {
	if g.unified {
		name := g.file("cpu.max")
		cpus, _, err = value(t, name, parseQuota)
		return cpus, "/" + name, err
	}
	name := g.file("cpu.cfs_quota_us")
	quota, _, err := value(t, name, parseQuotaV1)
	if err != nil || quota == 0 {
		return 0, "", err
	}
	period, found, err := value(t, g.file("cpu.cfs_period_us"), parsePeriodV1)
	if err == nil && !found {
		err = fmt.Errorf("/%s: expected a file cpu.cfs_period_us beside it, found none", name)
	}
	if err != nil {
		return 0, "", err
	}
	return float64(quota) / float64(period), "/" + name, nil
}
