mirror_memory := 3
mirror_parts := net/vif_ring.c
mirror_cmdline := split=0
mirror_vif := y
