hostile_memory := 3
hostile_parts := net/vif_ring.c
hostile_cmdline := mode=states
hostile_vif := y
